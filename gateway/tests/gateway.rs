//! The gateway over real sockets.

mod support;

#[path = "../../payload-store/tests/support/mod.rs"]
#[allow(dead_code)]
mod kubo;

use std::{
	collections::HashSet,
	time::{Duration, SystemTime},
};

use openledger_gateway::{sweep, Kind, Limits, Swept};
use openledger_primitives::model::Artifact;
use payload_store::{import, GatewayClient, KuboStore, PayloadStore, StoreError, Stored};
use reqwest::{header, Body, Client, Response, StatusCode};
use serde_json::Value;
use support::{files, until, Gateway, SOON};
use tokio::{
	io::{AsyncReadExt, AsyncWriteExt},
	net::TcpStream,
};

fn http() -> Client {
	Client::builder().no_proxy().timeout(SOON).build().unwrap()
}

fn no_reserve() -> Limits {
	Limits {
		reserve_bytes: 0,
		..Limits::default()
	}
}

async fn post(gateway: &Gateway, path: &str, body: impl Into<Body>) -> Response {
	http()
		.post(format!("{}{path}", gateway.url))
		.body(body)
		.send()
		.await
		.unwrap()
}

async fn get(gateway: &Gateway, path: &str) -> Response {
	http().get(format!("{}{path}", gateway.url)).send().await.unwrap()
}

/// Checks that an answer is the error of this status and code, and gives its message.
async fn refused(response: Response, status: StatusCode, code: &str) -> String {
	assert_eq!(response.status(), status);
	let body: Value = response.json().await.unwrap();
	assert_eq!(body["error"]["code"], code, "{body}");
	assert!(!body["error"]["hint"].as_str().unwrap().is_empty());
	body["error"]["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn payload_should_be_given_out_once_it_is_announced() {
	let gateway = Gateway::start().await;
	let bytes = vec![7; (1 << 20) + 5];
	let response = post(&gateway, "/payloads", bytes.clone()).await;
	assert_eq!(response.status(), StatusCode::OK);
	let stored: Stored = response.json().await.unwrap();
	assert_eq!(stored, import(&bytes).stored());
	let path = format!("/payloads/{}", stored.cid);

	let message = refused(get(&gateway, &path).await, StatusCode::NOT_FOUND, "not_announced").await;
	assert!(message.contains("not announced yet"), "{message}");
	gateway.chain.announce(Kind::Payload, &stored.cid);
	let response = get(&gateway, &path).await;
	assert_eq!(response.status(), StatusCode::OK);
	let tag = format!("\"{}\"", stored.cid);
	for (name, value) in [
		(header::CONTENT_TYPE, "application/octet-stream"),
		(header::CONTENT_LENGTH, "1048581"),
		(header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
		(header::CONTENT_DISPOSITION, "attachment"),
		(header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
		(header::ETAG, &tag),
	] {
		assert_eq!(response.headers()[&name], value, "{name}");
	}
	assert_eq!(response.bytes().await.unwrap(), bytes);

	let again = http()
		.get(format!("{}{path}", gateway.url))
		.header(header::IF_NONE_MATCH, &tag)
		.send()
		.await
		.unwrap();
	assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
	let head = http().head(format!("{}{path}", gateway.url)).send().await.unwrap();
	assert_eq!(
		(head.status(), head.headers()[header::CONTENT_LENGTH].to_str().unwrap()),
		(StatusCode::OK, "1048581")
	);
	gateway.stop().await;
}

#[tokio::test]
async fn unknown_and_foreign_cids_should_be_refused_by_name() {
	let gateway = Gateway::start().await;
	let absent = import(b"absent").cid;
	refused(
		get(&gateway, &format!("/payloads/{absent}")).await,
		StatusCode::NOT_FOUND,
		"not_found",
	)
	.await;
	for wrong in [
		"nonsense",
		"QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG",
		"%2e%2e%2fetc",
		"bafk%00",
	] {
		refused(
			get(&gateway, &format!("/payloads/{wrong}")).await,
			StatusCode::BAD_REQUEST,
			"invalid_cid",
		)
		.await;
	}
	refused(get(&gateway, "/nothing").await, StatusCode::NOT_FOUND, "no_such_path").await;
	refused(
		get(&gateway, "/payloads").await,
		StatusCode::METHOD_NOT_ALLOWED,
		"no_such_method",
	)
	.await;
}

#[tokio::test]
async fn upload_over_the_cap_should_be_refused_and_leave_nothing() {
	let gateway = Gateway::start().await;
	let over = vec![0; 10_000_001];
	let message = refused(
		post(&gateway, "/payloads", over.clone()).await,
		StatusCode::PAYLOAD_TOO_LARGE,
		"too_large",
	)
	.await;
	assert!(message.contains("10000000 bytes"), "{message}");
	// Without a length that is announced, the bytes themselves are counted.
	let pieces: Vec<Result<Vec<u8>, std::io::Error>> = over.chunks(1 << 16).map(|piece| Ok(piece.to_vec())).collect();
	let streamed = Body::wrap_stream(futures::stream::iter(pieces));
	refused(
		post(&gateway, "/payloads", streamed).await,
		StatusCode::PAYLOAD_TOO_LARGE,
		"too_large",
	)
	.await;
	assert!(gateway.app.store(Kind::Payload).pinned().is_empty());
	until("the upload's file is gone", || gateway.incoming().is_empty()).await;

	assert_eq!(
		post(&gateway, "/payloads", over[1..].to_vec()).await.status(),
		StatusCode::OK
	);
	assert_eq!(post(&gateway, "/artifacts", over).await.status(), StatusCode::OK);
}

/// Begins an upload of 500,000 bytes and sends half of them.
async fn half_an_upload(gateway: &Gateway) -> TcpStream {
	let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
	let head = "POST /payloads HTTP/1.1\r\nhost: gateway\r\ncontent-length: 500000\r\n\r\n";
	stream.write_all(head.as_bytes()).await.unwrap();
	stream.write_all(&[1; 250_000]).await.unwrap();
	until("the upload has begun", || !gateway.incoming().is_empty()).await;
	stream
}

#[tokio::test]
async fn upload_that_breaks_off_should_leave_nothing() {
	let gateway = Gateway::start().await;
	let stream = half_an_upload(&gateway).await;
	drop(stream);
	until("the upload's file is gone", || gateway.incoming().is_empty()).await;
	assert!(gateway.app.store(Kind::Payload).pinned().is_empty());
	assert!(files(&gateway.folder.path().join("payloads/blocks")).is_empty());
}

#[tokio::test]
async fn upload_that_stalls_should_be_ended() {
	let limits = Limits {
		upload_pause: Duration::from_millis(100),
		..no_reserve()
	};
	let gateway = Gateway::with(limits, None).await;
	let mut stream = half_an_upload(&gateway).await;
	let mut answer = String::new();
	stream.read_to_string(&mut answer).await.unwrap();
	assert!(
		answer.starts_with("HTTP/1.1 408") && answer.contains("slow_upload"),
		"{answer}"
	);
	assert!(gateway.incoming().is_empty());
}

#[tokio::test]
async fn uploads_over_the_bound_should_be_told_to_come_back() {
	let gateway = Gateway::with(
		Limits {
			max_uploads: 1,
			..no_reserve()
		},
		None,
	)
	.await;
	let first = half_an_upload(&gateway).await;
	let response = post(&gateway, "/payloads", "second").await;
	assert_eq!(response.headers()[header::RETRY_AFTER], "1");
	refused(response, StatusCode::TOO_MANY_REQUESTS, "busy").await;
	let patient = gateway.client(Kind::Payload);
	let waiting = tokio::spawn(async move { patient.put("third".into()).await });
	drop(first);
	assert_eq!(waiting.await.unwrap().unwrap(), import(b"third").stored());
}

#[tokio::test]
async fn upload_should_be_refused_when_the_disk_is_short() {
	let gateway = Gateway::with(
		Limits {
			reserve_bytes: u64::MAX,
			..Limits::default()
		},
		None,
	)
	.await;
	refused(
		post(&gateway, "/payloads", "x").await,
		StatusCode::INSUFFICIENT_STORAGE,
		"disk_full",
	)
	.await;
}

#[tokio::test]
async fn upload_should_be_refused_when_the_bytes_contradict_the_format() {
	let gateway = Gateway::start().await;
	let wrong = post(&gateway, "/payloads?format=png", "not a picture").await;
	refused(wrong, StatusCode::UNSUPPORTED_MEDIA_TYPE, "wrong_format").await;
	refused(
		post(&gateway, "/payloads?format=exe", "x").await,
		StatusCode::BAD_REQUEST,
		"unknown_format",
	)
	.await;
	assert!(gateway.app.store(Kind::Payload).pinned().is_empty());
	assert_eq!(
		post(&gateway, "/payloads?format=md", "# Words").await.status(),
		StatusCode::OK
	);
}

#[tokio::test]
async fn shelves_should_not_show_each_others_files() {
	let gateway = Gateway::start().await;
	let secret = gateway.client(Kind::Payload).put("secret".into()).await.unwrap().cid;
	refused(
		get(&gateway, &format!("/artifacts/{secret}")).await,
		StatusCode::NOT_FOUND,
		"not_found",
	)
	.await;
	let adapter = gateway.client(Kind::Artifact).put("adapter".into()).await.unwrap().cid;
	assert_eq!(
		get(&gateway, &format!("/artifacts/{adapter}"))
			.await
			.text()
			.await
			.unwrap(),
		"adapter"
	);
	gateway.chain.announce(Kind::Payload, &adapter);
	refused(
		get(&gateway, &format!("/payloads/{adapter}")).await,
		StatusCode::NOT_FOUND,
		"not_found",
	)
	.await;
}

#[tokio::test]
async fn sweep_should_remove_what_nobody_announced_in_time() {
	let gateway = Gateway::start().await;
	let client = gateway.client(Kind::Payload);
	let kept = client.put("kept".into()).await.unwrap().cid;
	let lost = client.put("lost".into()).await.unwrap().cid;
	gateway.chain.announce(Kind::Payload, &kept);
	let store = gateway.app.store(Kind::Payload);
	let mut settled = HashSet::new();
	let later = SystemTime::now() + Duration::from_secs(3601);

	gateway.chain.set_down(true);
	assert!(sweep(&gateway.app, later, &mut settled).await.is_err());
	gateway.chain.set_down(false);
	assert_eq!(
		sweep(&gateway.app, SystemTime::now(), &mut settled).await.unwrap(),
		Swept::default()
	);
	assert_eq!(store.pinned().len(), 2);
	let swept = sweep(&gateway.app, later, &mut settled).await.unwrap();
	assert_eq!(
		swept,
		Swept {
			removed: 1,
			mirrored: 0
		}
	);
	assert!(store.has(&kept).await.unwrap() && !store.has(&lost).await.unwrap());
}

#[tokio::test]
async fn checkpoints_should_stay_until_their_result_is_accepted() {
	let gateway = Gateway::start().await;
	let client = gateway.client(Kind::Artifact);
	let checkpoint = client.put("state".into()).await.unwrap().cid;
	let other = client.put("other".into()).await.unwrap().cid;
	let manifest = format!("{{\"job\": 1, \"run\": {{\"checkpoints\": [{{\"step\": 1, \"cid\": \"{checkpoint}\"}}, {{\"cid\": \"?\"}}]}}}}");
	let unreadable = client.put("{}".into()).await.unwrap();
	let manifest = client.put(manifest.into()).await.unwrap();
	let artifact = |stored: &Stored| Artifact {
		cid: stored.cid,
		sha256: stored.sha256,
		bytes: stored.size,
	};
	for stored in [&manifest, &unreadable] {
		gateway.chain.announce(Kind::Artifact, &stored.cid);
	}
	let absent = import(b"absent").cid;
	let absent = Artifact {
		cid: absent,
		..artifact(&manifest)
	};
	gateway
		.chain
		.set_waiting(vec![absent, artifact(&unreadable), artifact(&manifest)]);
	let store = gateway.app.store(Kind::Artifact);
	let mut settled = HashSet::new();
	let later = SystemTime::now() + Duration::from_secs(86_401);
	let removed = |swept: Swept| swept.removed;
	assert_eq!(removed(sweep(&gateway.app, later, &mut settled).await.unwrap()), 1);
	assert!(store.has(&checkpoint).await.unwrap() && !store.has(&other).await.unwrap());
	// Accepted, or broken: nobody asks for it any more.
	gateway.chain.set_waiting(Vec::new());
	assert_eq!(removed(sweep(&gateway.app, later, &mut settled).await.unwrap()), 1);
	assert!(!store.has(&checkpoint).await.unwrap() && store.has(&manifest.cid).await.unwrap());
}

#[tokio::test]
async fn mirror_should_hold_what_is_announced_and_give_it_back() {
	let daemon = kubo::Daemon::start().await;
	let mirror = KuboStore::new(&daemon.url, SOON).unwrap();
	let gateway = Gateway::with(no_reserve(), Some(mirror)).await;
	let client = gateway.client(Kind::Payload);
	let public = client.put("public".into()).await.unwrap().cid;
	let secret = client.put("secret".into()).await.unwrap().cid;
	gateway.chain.announce(Kind::Payload, &public);

	daemon.set_mood(kubo::Mood::WrongCid);
	let mut settled = HashSet::new();
	assert_eq!(
		sweep(&gateway.app, SystemTime::now(), &mut settled)
			.await
			.unwrap()
			.mirrored,
		0
	);
	daemon.set_mood(kubo::Mood::Honest);
	assert_eq!(
		sweep(&gateway.app, SystemTime::now(), &mut settled)
			.await
			.unwrap()
			.mirrored,
		1
	);
	assert_eq!(
		sweep(&gateway.app, SystemTime::now(), &mut settled)
			.await
			.unwrap()
			.mirrored,
		0
	);
	assert!(daemon.repo.lock().unwrap().pins.contains(&public.to_string()));
	assert!(!daemon.repo.lock().unwrap().files.contains_key(&secret.to_string()));

	// The local copy is lost: the mirror's is fetched and checked.
	gateway.app.store(Kind::Payload).unpin(&public).await.unwrap();
	daemon.set_mood(kubo::Mood::WrongBytes);
	refused(
		get(&gateway, &format!("/payloads/{public}")).await,
		StatusCode::NOT_FOUND,
		"not_found",
	)
	.await;
	daemon.set_mood(kubo::Mood::Honest);
	assert_eq!(
		get(&gateway, &format!("/payloads/{public}"))
			.await
			.text()
			.await
			.unwrap(),
		"public"
	);
	assert!(gateway.app.store(Kind::Payload).has(&public).await.unwrap());
	assert!(gateway.incoming().is_empty());
}

#[tokio::test]
async fn health_should_tell_which_part_fails() {
	let gateway = Gateway::start().await;
	let response = get(&gateway, "/health").await;
	assert_eq!(response.status(), StatusCode::OK);
	let body: Value = response.json().await.unwrap();
	assert_eq!(
		(&body["status"], &body["node"]["block"]),
		(&"ok".into(), &7.into()),
		"{body}"
	);
	assert_eq!(body["payloads"]["ok"], true);
	gateway.client(Kind::Payload).health().await.unwrap();

	gateway.chain.set_down(true);
	refused(
		get(&gateway, "/health").await,
		StatusCode::SERVICE_UNAVAILABLE,
		"chain_unavailable",
	)
	.await;
	assert!(matches!(
		gateway.client(Kind::Payload).health().await,
		Err(StoreError::Refused { .. })
	));
}

#[tokio::test]
async fn client_should_wait_for_the_announcement_and_check_the_bytes() {
	let gateway = Gateway::start().await;
	let client = gateway.client(Kind::Payload);
	let bytes: Vec<u8> = (0..(2 << 20) + 9).map(|n| (n % 251) as u8).collect();
	let file = gateway.folder.path().join("file");
	std::fs::write(&file, &bytes).unwrap();
	let stored = client.put_file(&file).await.unwrap();
	assert_eq!(stored, import(&bytes).stored());

	let hasty = client.get(&stored.cid, u64::MAX, Duration::from_millis(200)).await;
	assert!(matches!(hasty, Err(StoreError::NotAnnounced { .. })), "{hasty:?}");
	let waiting = {
		let (client, cid) = (client.clone(), stored.cid);
		tokio::spawn(async move { client.get(&cid, 10_000_000, SOON).await })
	};
	gateway.chain.announce(Kind::Payload, &stored.cid);
	assert_eq!(waiting.await.unwrap().unwrap(), bytes);
	assert!(client.has(&stored.cid).await.unwrap());
	let copy = gateway.folder.path().join("copy");
	assert_eq!(
		client.get_file(&stored.cid, 10_000_000, SOON, &copy).await.unwrap(),
		stored
	);
	assert_eq!(std::fs::read(&copy).unwrap(), bytes);
	assert!(matches!(
		client.get(&stored.cid, 1000, SOON).await,
		Err(StoreError::TooLarge { .. })
	));
	assert!(matches!(
		client.get(&import(b"absent").cid, 1000, SOON).await,
		Err(StoreError::NotFound { .. })
	));
	assert!(matches!(
		GatewayClient::new("ftp://x", Kind::Payload, SOON),
		Err(StoreError::InvalidUrl { .. })
	));
}

#[tokio::test]
async fn damaged_copy_should_be_an_error_and_never_other_bytes() {
	let gateway = Gateway::start().await;
	let client = gateway.client(Kind::Artifact);
	let bytes: Vec<u8> = (0..3 << 20).map(|n| (n / 7 % 251) as u8).collect();
	let imported = import(&bytes);
	client.put(bytes.into()).await.unwrap();
	let damage = |block: usize| {
		let name = imported.blocks[block].cid.to_string();
		let shard = &name[name.len() - 3..name.len() - 1];
		std::fs::write(
			gateway.folder.path().join("artifacts/blocks").join(shard).join(&name),
			"damage",
		)
		.unwrap();
	};
	// In the middle the answer breaks off; at the beginning it has a name.
	damage(1);
	let broken = client.get(&imported.cid, u64::MAX, Duration::from_millis(500)).await;
	assert!(matches!(broken, Err(StoreError::Unreachable { .. })), "{broken:?}");
	damage(0);
	refused(
		get(&gateway, &format!("/artifacts/{}", imported.cid)).await,
		StatusCode::INTERNAL_SERVER_ERROR,
		"damaged",
	)
	.await;
}

#[tokio::test]
async fn shutdown_should_finish_an_upload_that_is_under_way() {
	let gateway = Gateway::start().await;
	let mut stream = half_an_upload(&gateway).await;
	let store = gateway.app.clone();
	let stopping = tokio::spawn(gateway.stop());
	stream.write_all(&[1; 250_000]).await.unwrap();
	let mut answer = String::new();
	stream.read_to_string(&mut answer).await.unwrap();
	assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
	stopping.await.unwrap();
	assert_eq!(store.store(Kind::Payload).pinned().len(), 1);
}
