//! Answers that are packed: unpacked within the limit, and what cannot be unpacked says so.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use callboard::egress::{Kind, Why};

use super::probe::{Act, Probe, ask, code, ok, upstream};

/// `printf '{"ok":true}' | gzip -n9 | xxd -p`
const PACKED: &str = "1f8b0800000000000203ab56cacf56b22a292a4dad0500905fd4a70b000000";

fn packed() -> Vec<u8> {
    hex::decode(PACKED).unwrap()
}

fn answer(status: u16, encoding: &str, body: &[u8]) -> Act {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} x\r\ncontent-encoding: {encoding}\r\ncontent-length: {length}\r\n\r\n"
    );
    Act::Bytes([head.as_bytes(), body].concat())
}

/// The status with its body, or the code.
async fn said(act: impl Fn() -> Act + Send + Sync + 'static) -> String {
    let probe = Probe::start(move |_| act()).await;
    let mut spec = probe.spec();
    spec.limits.max_bytes = 64 << 10;
    let result = ask(&upstream(spec)).await;
    assert_eq!(probe.asked()[0].headers["accept-encoding"], "gzip");
    match result {
        Ok(reply) => {
            for gone in ["content-encoding", "content-length"] {
                assert!(!reply.headers.contains_key(gone) || reply.body.is_empty());
            }
            format!("{} {}", reply.status, String::from_utf8_lossy(&reply.body))
        }
        Err(failure) => format!("{} {}", failure.code(), failure.kind),
    }
}

#[tokio::test]
async fn what_comes_packed_is_read_as_if_it_were_not() {
    for encoding in ["gzip", "GZIP", "x-gzip"] {
        assert_eq!(
            said(move || answer(200, encoding, &packed())).await,
            "200 {\"ok\":true}"
        );
    }
    // Two parts, one behind the other, are one text.
    let twice = [packed(), packed()].concat();
    let two = said(move || answer(200, "gzip", &twice)).await;
    assert_eq!(two, "200 {\"ok\":true}{\"ok\":true}");
    let chunked = said(|| {
        let head =
            b"HTTP/1.1 200 x\r\ncontent-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n";
        let mut all = head.to_vec();
        for part in packed().chunks(7) {
            all.extend(format!("{:x}\r\n", part.len()).bytes());
            all.extend(part);
            all.extend(b"\r\n");
        }
        all.extend(b"0\r\n\r\n");
        Act::Bytes(all)
    });
    assert_eq!(chunked.await, "200 {\"ok\":true}");
    assert_eq!(said(|| answer(200, "gzip", b"")).await, "200 ");
}

#[tokio::test]
async fn a_bomb_ends_at_the_limit() {
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..64 {
        bomb.write_all(&[b' '; 1 << 20]).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    assert!(bomb.len() < 70_000, "{}", bomb.len());
    let bomb = bomb[..60_000].to_vec();
    let ended = said(move || answer(200, "gzip", &bomb)).await;
    assert_eq!(
        ended,
        "UPSTREAM_BAD_SHAPE answered with more than 65536 bytes"
    );
}

#[tokio::test]
async fn what_cannot_be_unpacked_is_never_half_an_answer() {
    let broken = "UPSTREAM_UNAVAILABLE broke off its answer";
    let short = |length: usize| move || answer(200, "gzip", &packed()[..length]);
    // Within the head, the text and the check behind it.
    for length in [5, 20, 28] {
        assert_eq!(said(short(length)).await, broken, "{length}");
    }
    let wrong = said(|| {
        let mut bytes = packed();
        bytes[24] ^= 1;
        answer(200, "gzip", &bytes)
    });
    assert_eq!(wrong.await, broken);
    let unasked = "UPSTREAM_BAD_SHAPE answered in an encoding that it was not asked for";
    for encoding in ["br", "gzip, br", "deflate"] {
        assert_eq!(
            said(move || answer(200, encoding, &packed())).await,
            unasked
        );
    }
    // Of what is no reply the status says enough.
    assert_eq!(said(|| answer(404, "br", b"?")).await, "404 ");
}

#[tokio::test]
async fn what_is_cut_off_is_asked_for_again() {
    let probe = Probe::start(|asked| match asked.number {
        0 => answer(200, "gzip", &packed()[..20]),
        _ => ok(),
    })
    .await;
    let mut spec = probe.spec();
    assert_eq!(
        ask(&upstream(spec.clone())).await.unwrap_err().kind,
        Kind::Unavailable(Why::Broken)
    );
    probe.now(|asked| match asked.number {
        1 => answer(200, "gzip", &packed()[..20]),
        _ => ok(),
    });
    spec.limits.retries = 1;
    assert_eq!(code(&ask(&upstream(spec)).await), "200");
    assert_eq!(probe.count(), 3);
}
