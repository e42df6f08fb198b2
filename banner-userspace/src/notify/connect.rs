//! TCP and TLS connections.

use std::{
    io,
    path::Path,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring::default_provider,
        pki_types::{CertificateDer, ServerName, pem::PemObject as _},
    },
};

use super::failure::Failure;

/// How long one address of a host may take to answer, so that the next gets its turn.
const ONE_ADDRESS: Duration = Duration::from_secs(5);

/// A connection, secret or not.
#[derive(Debug)]
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Connects to one of the addresses of a host.
pub(super) async fn connect(host: &str, port: u16) -> Result<TcpStream, Failure> {
    let addresses = lookup_host((host, port)).await;
    let addresses = addresses.map_err(|error| Failure::passing(format!("{host}: {error}")))?;
    let mut last = Failure::passing(format!("{host} has no address"));
    for address in addresses {
        match timeout(ONE_ADDRESS, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = Failure::passing(format!("{host} ({address}): {error}")),
            Err(_) => {
                last = Failure::passing(format!(
                    "{host} ({address}): no answer in {} s",
                    ONE_ADDRESS.as_secs()
                ));
            }
        }
    }
    Err(last)
}

/// Makes a connection secret. `ca`: a file of certificates to trust instead of the system's.
pub(super) async fn secured(
    stream: TcpStream,
    host: &str,
    ca: Option<&Path>,
) -> Result<Stream, Failure> {
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| Failure::permanent(format!("{host} is no name of a server")))?;
    let connector = TlsConnector::from(Arc::new(client(ca)?));
    match connector.connect(name, stream).await {
        Ok(stream) => Ok(Stream::Tls(Box::new(stream))),
        Err(error) => Err(Failure::passing(format!("{host}: TLS: {error}"))),
    }
}

/// Read each time, because certificates are renewed while the agent runs.
fn client(ca: Option<&Path>) -> Result<ClientConfig, Failure> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = ca {
        let wrong = |error: &dyn std::fmt::Display| {
            Failure::passing(format!("{}: no certificates: {error}", file.display()))
        };
        let certificates = CertificateDer::pem_file_iter(file).map_err(|e| wrong(&e))?;
        for certificate in certificates {
            let certificate = certificate.map_err(|e| wrong(&e))?;
            roots.add(certificate).map_err(|e| wrong(&e))?;
        }
        if roots.is_empty() {
            return Err(wrong(&"there are none in it"));
        }
    } else {
        // Of a system's many some may be of a kind that is not known here.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err(Failure::passing(
                "this machine has no certificates to trust (package ca-certificates); name a file \
                 with ca_file",
            ));
        }
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::permanent(format!("TLS: {error}")))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
