//! One SMTP session: commands in, replies out (RFC 5321).

use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::time::timeout;

/// Longest command line, RFC 5321 section 4.5.3.1.4, with room for extensions.
const LINE_LIMIT: usize = 2048;
/// Most recipients of one mail, RFC 5321 section 4.5.3.1.8.
const RECIPIENTS_LIMIT: usize = 100;
/// Longest silence of a client.
const SILENCE_LIMIT: Duration = Duration::from_secs(60);
/// Most wrong commands before the session ends.
const MISTAKES_LIMIT: usize = 10;

/// An accepted mail.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Envelope {
    pub(super) from: String,
    pub(super) to: Vec<String>,
    pub(super) data: Vec<u8>,
}

enum Line {
    Text(Vec<u8>),
    TooLong,
    End,
}

/// Serves one client until it quits, goes silent or misbehaves; calls `accept` for each mail.
pub(super) async fn serve<S>(stream: S, max_message: usize, mut accept: impl FnMut(Envelope)) -> std::io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 shakedown ready\r\n").await?;
    let mut from: Option<String> = None;
    let mut to: Vec<String> = Vec::new();
    let mut mistakes = 0;
    while mistakes < MISTAKES_LIMIT {
        let line = match line(&mut stream).await? {
            Line::Text(line) => line,
            Line::TooLong => {
                mistakes += 1;
                stream.write_all(b"500 line too long\r\n").await?;
                continue;
            }
            Line::End => return Ok(()),
        };
        let text = String::from_utf8_lossy(&line).into_owned();
        let (verb, argument) = text.split_once(' ').unwrap_or((&text, ""));
        let reply: String = match verb.to_ascii_uppercase().as_str() {
            "EHLO" => {
                (from, to) = (None, Vec::new());
                format!("250-shakedown\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE {max_message}")
            }
            "HELO" | "RSET" => {
                (from, to) = (None, Vec::new());
                "250 ok".to_owned()
            }
            "MAIL" => match path(argument, "FROM:") {
                Some(_) if from.is_some() => "503 one mail at a time".to_owned(),
                Some(_) if declared_size(argument) > max_message => "552 the mail is too large".to_owned(),
                Some(address) => {
                    from = Some(address);
                    "250 ok".to_owned()
                }
                None => "501 expected MAIL FROM:<address>".to_owned(),
            },
            "RCPT" if from.is_none() => "503 expected MAIL first".to_owned(),
            "RCPT" if to.len() >= RECIPIENTS_LIMIT => "452 too many recipients".to_owned(),
            "RCPT" => match path(argument, "TO:").filter(|address| !address.is_empty()) {
                Some(address) => {
                    to.push(address);
                    "250 ok".to_owned()
                }
                None => "501 expected RCPT TO:<address>".to_owned(),
            },
            "DATA" if to.is_empty() => "503 expected RCPT first".to_owned(),
            "DATA" => {
                stream.write_all(b"354 end with a line that holds a dot\r\n").await?;
                let Some(data) = data(&mut stream, max_message).await? else {
                    return Ok(());
                };
                let (from, to) = (from.take().unwrap_or_default(), std::mem::take(&mut to));
                match data {
                    Ok(data) => {
                        accept(Envelope { from, to, data });
                        "250 kept".to_owned()
                    }
                    Err(TooLarge) => "552 the mail is too large".to_owned(),
                }
            }
            "NOOP" => "250 ok".to_owned(),
            "VRFY" => "252 send it and see".to_owned(),
            "QUIT" => {
                stream.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => "502 not a command of this server".to_owned(),
        };
        mistakes += usize::from(reply.starts_with('5'));
        stream.write_all(reply.as_bytes()).await?;
        stream.write_all(b"\r\n").await?;
    }
    stream.write_all(b"421 too many mistakes\r\n").await
}

async fn line<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> std::io::Result<Line> {
    let mut line = Vec::new();
    let mut limited = stream.take(LINE_LIMIT as u64);
    match timeout(SILENCE_LIMIT, limited.read_until(b'\n', &mut line)).await {
        Err(_) | Ok(Ok(0)) => return Ok(Line::End),
        Ok(read) => read?,
    };
    if line.last() != Some(&b'\n') {
        if line.len() < LINE_LIMIT {
            return Ok(Line::End);
        }
        skip_line(stream).await?;
        return Ok(Line::TooLong);
    }
    while line.last().is_some_and(|byte| matches!(byte, b'\r' | b'\n')) {
        line.pop();
    }
    Ok(Line::Text(line))
}

async fn skip_line<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> std::io::Result<()> {
    loop {
        let available = match timeout(SILENCE_LIMIT, stream.fill_buf()).await {
            Err(_) => return Ok(()),
            Ok(available) => available?,
        };
        if available.is_empty() {
            return Ok(());
        }
        let end = available.iter().position(|&byte| byte == b'\n');
        let used = end.map_or(available.len(), |end| end + 1);
        stream.consume(used);
        if end.is_some() {
            return Ok(());
        }
    }
}

struct TooLarge;

/// The text of a mail, dots unstuffed (RFC 5321 section 4.5.2). `None` when the client went away.
async fn data<S: AsyncRead + Unpin>(
    stream: &mut BufReader<S>,
    limit: usize,
) -> std::io::Result<Option<Result<Vec<u8>, TooLarge>>> {
    let mut data = Vec::new();
    let mut too_large = false;
    let mut at_line_start = true;
    loop {
        let mut piece = Vec::new();
        let mut limited = (&mut *stream).take(LINE_LIMIT as u64);
        match timeout(SILENCE_LIMIT, limited.read_until(b'\n', &mut piece)).await {
            Err(_) | Ok(Ok(0)) => return Ok(None),
            Ok(read) => read?,
        };
        if at_line_start && matches!(piece.as_slice(), b".\r\n" | b".\n") {
            return Ok(Some(if too_large { Err(TooLarge) } else { Ok(data) }));
        }
        let start = usize::from(at_line_start && piece.first() == Some(&b'.'));
        at_line_start = piece.last() == Some(&b'\n');
        too_large |= data.len() + piece.len() - start > limit;
        // Of a mail that is too large only the end is still looked for.
        if !too_large {
            data.extend_from_slice(&piece[start..]);
        }
    }
}

/// The address of `MAIL FROM:<address> PARAMETERS`.
fn path(argument: &str, keyword: &str) -> Option<String> {
    let head = argument.get(..keyword.len())?;
    let rest = argument.get(keyword.len()..)?.trim_start();
    if !head.eq_ignore_ascii_case(keyword) {
        return None;
    }
    let (address, _) = rest.strip_prefix('<')?.split_once('>')?;
    Some(address.to_owned())
}

fn declared_size(argument: &str) -> usize {
    let size = argument.split_ascii_whitespace().find_map(|word| {
        let (name, value) = word.split_once('=')?;
        name.eq_ignore_ascii_case("SIZE").then(|| value.parse().ok()).flatten()
    });
    size.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What the server answers to `input`, and what it accepts.
    fn converse(input: &[u8], max_message: usize) -> (String, Vec<Envelope>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (client, server) = tokio::io::duplex(1 << 20);
            let (mut reader, mut writer) = tokio::io::split(client);
            let mut mails = Vec::new();
            let session = serve(server, max_message, |mail| mails.push(mail));
            let talk = async {
                writer.write_all(input).await.unwrap();
                writer.shutdown().await.unwrap();
                let mut replies = Vec::new();
                reader.read_to_end(&mut replies).await.unwrap();
                String::from_utf8(replies).unwrap()
            };
            let (replies, served) = tokio::join!(talk, session);
            served.unwrap();
            (replies, mails)
        })
    }

    #[test]
    fn pipelined_mail_is_kept_with_its_dots_unstuffed() {
        let input = b"EHLO me\r\nMAIL FROM:<a@b.test> SIZE=20\r\nRCPT TO:<c@d.test>\r\nRCPT TO:<e@f.test>\r\nDATA\r\n\
                      Subject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n";
        let (replies, mails) = converse(input, 1000);
        assert!(replies.ends_with("250 kept\r\n221 bye\r\n"), "{replies}");
        assert_eq!(
            mails,
            [Envelope {
                from: "a@b.test".into(),
                to: vec!["c@d.test".into(), "e@f.test".into()],
                data: b"Subject: x\r\n\r\n.dot\r\n".to_vec(),
            }]
        );
    }

    #[test]
    fn too_large_mail_is_refused_and_the_session_goes_on() {
        let large = "x".repeat(5000);
        let input = format!("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n{large}\r\n.\r\nNOOP\r\nQUIT\r\n");
        let (replies, mails) = converse(input.as_bytes(), 1000);
        assert!(replies.ends_with("552 the mail is too large\r\n250 ok\r\n221 bye\r\n"), "{replies}");
        assert!(mails.is_empty());
    }

    #[test]
    fn wrong_order_is_refused() {
        let (replies, mails) = converse(b"RCPT TO:<c@d>\r\nDATA\r\nMAIL TO:<x>\r\nQUIT\r\n", 1000);
        let codes: Vec<&str> = replies.lines().map(|line| &line[..3]).collect();
        assert_eq!(codes, ["220", "503", "503", "501", "221"]);
        assert!(mails.is_empty());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_break_a_session(input in proptest::collection::vec(any::<u8>(), 0..3000)) {
            let _ = converse(&input, 500);
        }
    }
}
