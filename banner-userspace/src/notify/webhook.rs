//! HTTP requests that carry a signature.

use std::fmt::Write as _;

use http_body_util::{BodyExt as _, Collected, Full, Limited};
use hyper::{Request, body::Bytes, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use ring::hmac;

use super::{
    connect::{Stream, connect, secured},
    failure::Failure,
    target::{Secret, Webhook},
};

/// The most of an answer that is read.
const ANSWER: usize = 4096;

/// Sends one request. `now`: seconds since 1970; `id`: the same when a message is tried again.
pub(super) async fn send(
    hook: &Webhook,
    body: &[u8],
    event: &str,
    id: &str,
    now: i64,
) -> Result<(), Failure> {
    let url = &hook.url;
    let stream = connect(&url.host, url.port).await?;
    let stream = if url.tls {
        secured(stream, &url.host, hook.ca.as_deref()).await?
    } else {
        Stream::Plain(stream)
    };
    let failed = |error: &dyn std::fmt::Display| Failure::passing(format!("{}: {error}", url.host));
    let mut request = Request::post(&url.path)
        .header(header::HOST, &url.authority)
        .header(header::CONTENT_TYPE, "application/json")
        .header(
            header::USER_AGENT,
            concat!("banner/", env!("CARGO_PKG_VERSION")),
        )
        .header("X-Banner-Event", event)
        .header("X-Banner-Delivery", id)
        .header(header::CONNECTION, "close");
    if let Some(secret) = &hook.secret {
        request = request.header("X-Banner-Signature", signature(secret, now, body));
    }
    let request = request
        .body(Full::new(Bytes::copy_from_slice(body)))
        .map_err(|error| Failure::permanent(format!("{}: {error}", url.authority)))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| failed(&error))?;
    let exchange = async {
        let response = sender.send_request(request).await.map_err(|e| failed(&e))?;
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        let said = Limited::new(response.into_body(), ANSWER).collect().await;
        let said = said.map_or_else(|_| Bytes::new(), Collected::to_bytes);
        let why = format!("{}: {status} {}", url.host, String::from_utf8_lossy(&said));
        // Redirects are not followed: they would lead a signed message somewhere else.
        let may_pass = status.is_server_error() || [408, 425, 429].contains(&status.as_u16());
        Err(if may_pass {
            Failure::passing(why)
        } else {
            Failure::permanent(why)
        })
    };
    tokio::pin!(exchange);
    tokio::select! {
        done = &mut exchange => done,
        // It ends before the answer is read when the server says so.
        ended = connection => match ended {
            Ok(()) => exchange.await,
            Err(error) => Err(failed(&error)),
        },
    }
}

/// `t=SECONDS,v1=HEX`: the HMAC-SHA256 (RFC 2104) over the seconds, a dot and the body.
fn signature(secret: &Secret, now: i64, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.0.as_bytes());
    let mut context = hmac::Context::with_key(&key);
    context.update(format!("{now}.").as_bytes());
    context.update(body);
    let mut text = format!("t={now},v1=");
    for byte in context.sign().as_ref() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From `printf '1795176000.{"event":"ban"}' | openssl dgst -sha256 -hmac secret`.
    #[test]
    fn the_signature_is_what_others_compute() {
        assert_eq!(
            signature(
                &Secret("secret".into()),
                1_795_176_000,
                br#"{"event":"ban"}"#
            ),
            "t=1795176000,v1=3ad7c1a14e1398f03a33386b2359df90388f843f69b6b72d5f7d37cf929a8f22"
        );
    }
}
