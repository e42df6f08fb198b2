//! A client of SMTP (RFC 5321) with STARTTLS (RFC 3207) and AUTH (RFC 4954): as much of it as it
//! takes to hand a mail to a server.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};

use super::{
    connect::{Stream, connect, secured},
    failure::Failure,
    target::{Address, Smtp, Tls},
};

/// The longest line of a reply; RFC 5321 allows 512 bytes.
const LINE: u64 = 4096;

/// Lines of a reply.
const LINES: usize = 128;

/// Hands `message` to the server, for all of `to` that it takes. `hello`: the name of this machine.
///
/// # Errors
/// Also when it refused one of several recipients: then the others have the mail, and the failure
/// is permanent.
pub(super) async fn send(
    smtp: &Smtp,
    hello: &str,
    from: &Address,
    to: &[Address],
    message: &str,
) -> Result<(), Failure> {
    let stream = connect(&smtp.host, smtp.port).await?;
    let stream = match smtp.tls {
        Tls::Implicit => secured(stream, &smtp.host, smtp.ca.as_deref()).await?,
        Tls::Starttls | Tls::None => Stream::Plain(stream),
    };
    let mut session = Session::new(stream, smtp);
    session.expect("the greeting", 220).await?;
    let mut features = session.hello(hello).await?;
    if smtp.tls == Tls::Starttls {
        if !features.has("STARTTLS") {
            return Err(session.failure(
                "offers no STARTTLS, so nothing is sent; set tls: implicit, or tls: none where the \
                 way there is safe",
            ));
        }
        session.command("STARTTLS", 220).await?;
        session = session.secured().await?;
        features = session.hello(hello).await?;
    }
    if let Some((user, password)) = &smtp.login {
        session.login(&features, user, &password.0).await?;
    }
    session.hand_over(from, to, message).await
}

struct Session<'a> {
    stream: BufReader<Stream>,
    smtp: &'a Smtp,
}

/// What a server answers.
#[derive(Debug)]
struct Reply {
    code: u16,
    lines: Vec<String>,
}

impl Reply {
    /// Whether a line of the answer to EHLO begins with this word.
    fn has(&self, word: &str) -> bool {
        self.line(word).is_some()
    }

    fn line(&self, word: &str) -> Option<&str> {
        self.lines.iter().skip(1).find_map(|line| {
            let (first, rest) = line.split_once([' ', '=']).unwrap_or((line, ""));
            first.eq_ignore_ascii_case(word).then_some(rest)
        })
    }
}

impl<'a> Session<'a> {
    fn new(stream: Stream, smtp: &'a Smtp) -> Self {
        Self {
            stream: BufReader::new(stream),
            smtp,
        }
    }

    fn failure(&self, why: &str) -> Failure {
        Failure::passing(format!("{} {why}", self.smtp.host))
    }

    /// What came before is forgotten: whoever is on the way could have put it there.
    async fn secured(self) -> Result<Self, Failure> {
        if !self.stream.buffer().is_empty() {
            return Err(self.failure("said more behind its answer to STARTTLS"));
        }
        let smtp = self.smtp;
        let Stream::Plain(stream) = self.stream.into_inner() else {
            return Err(Failure::permanent("secured twice"));
        };
        let stream = secured(stream, &smtp.host, smtp.ca.as_deref()).await?;
        Ok(Self::new(stream, smtp))
    }

    async fn hello(&mut self, name: &str) -> Result<Reply, Failure> {
        self.command(&format!("EHLO {name}"), 250).await
    }

    async fn login(&mut self, features: &Reply, user: &str, password: &str) -> Result<(), Failure> {
        let offered = features.line("AUTH").unwrap_or_default().to_owned();
        let has = |method: &str| {
            offered
                .split_ascii_whitespace()
                .any(|word| word.eq_ignore_ascii_case(method))
        };
        if has("PLAIN") {
            let answer = STANDARD.encode(format!("\0{user}\0{password}"));
            self.write(&format!("AUTH PLAIN {answer}\r\n")).await?;
        } else if has("LOGIN") {
            self.command("AUTH LOGIN", 334).await?;
            self.write(&format!("{}\r\n", STANDARD.encode(user)))
                .await?;
            self.expect("the user's name", 334).await?;
            self.write(&format!("{}\r\n", STANDARD.encode(password)))
                .await?;
        } else {
            return Err(self.failure(&format!(
                "takes no password here: of PLAIN and LOGIN it offers none (\"{offered}\")"
            )));
        }
        self.expect("the password", 235).await?;
        Ok(())
    }

    async fn hand_over(
        &mut self,
        from: &Address,
        to: &[Address],
        message: &str,
    ) -> Result<(), Failure> {
        let from = from.as_str();
        self.command(&format!("MAIL FROM:<{from}>"), 250).await?;
        let mut refused = Vec::new();
        for to in to {
            let command = format!("RCPT TO:<{}>", to.as_str());
            self.write(&format!("{command}\r\n")).await?;
            let reply = self.reply().await?;
            if !(250..=251).contains(&reply.code) {
                refused.push(self.unexpected(&command, &reply));
            }
        }
        if refused.len() == to.len() {
            // Some may be refused for now only.
            let passing = refused.iter().position(|failure| !failure.permanent);
            return Err(refused.swap_remove(passing.unwrap_or(0)));
        }
        self.command("DATA", 354).await?;
        // A line that begins with a dot gets another (RFC 5321, section 4.5.2).
        let message = message.replace("\r\n.", "\r\n..");
        let end = if message.ends_with("\r\n") {
            ""
        } else {
            "\r\n"
        };
        self.write(&format!("{message}{end}.\r\n")).await?;
        self.expect("the mail", 250).await?;
        // The server has it; what becomes of the rest is of no interest.
        let _ = self.write("QUIT\r\n").await;
        let _ = self.stream.get_mut().shutdown().await;
        match refused.pop() {
            Some(failure) => Err(Failure {
                permanent: true,
                why: format!("the others have it, but {failure}"),
            }),
            None => Ok(()),
        }
    }

    async fn command(&mut self, command: &str, code: u16) -> Result<Reply, Failure> {
        self.write(&format!("{command}\r\n")).await?;
        self.expect(command, code).await
    }

    async fn write(&mut self, text: &str) -> Result<(), Failure> {
        let written = async {
            self.stream.write_all(text.as_bytes()).await?;
            self.stream.flush().await
        };
        let written: std::io::Result<()> = written.await;
        written.map_err(|error| self.failure(&format!("takes no more: {error}")))
    }

    /// Reads the answer to `what`, which must have this code.
    async fn expect(&mut self, what: &str, code: u16) -> Result<Reply, Failure> {
        let reply = self.reply().await?;
        if reply.code == code {
            return Ok(reply);
        }
        Err(self.unexpected(what, &reply))
    }

    /// Codes from 500 are final, but for those of a server that is shutting down.
    fn unexpected(&self, what: &str, reply: &Reply) -> Failure {
        let why = format!(
            "{} answered to {what}: {} {}",
            self.smtp.host,
            reply.code,
            reply.lines.join(" ")
        );
        if reply.code >= 500 {
            Failure::permanent(why)
        } else {
            Failure::passing(why)
        }
    }

    async fn reply(&mut self) -> Result<Reply, Failure> {
        let mut lines = Vec::new();
        while lines.len() < LINES {
            let mut line = Vec::new();
            let mut limited = (&mut self.stream).take(LINE);
            let read = limited.read_until(b'\n', &mut line).await;
            read.map_err(|error| self.failure(&format!("cannot be read: {error}")))?;
            if line.is_empty() {
                return Err(self.failure("ended the connection"));
            }
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_end();
            let (code, rest) = text.split_at_checked(3).unwrap_or((text, ""));
            let code = code
                .parse::<u16>()
                .ok()
                .filter(|code| (200..600).contains(code));
            let (Some(code), true) = (code, line.ends_with(b"\n")) else {
                return Err(self.failure(&format!("does not speak SMTP: {text}")));
            };
            let is_last = !rest.starts_with('-');
            lines.push(rest.get(1..).unwrap_or_default().to_owned());
            if is_last {
                return Ok(Reply { code, lines });
            }
        }
        Err(self.failure(&format!("answers with more than {LINES} lines")))
    }
}
