//! The server's side of an SMTP session: bytes in, replies and messages out. No input or output of its own.

use super::mail::Mail;

/// Longest command line in bytes.
const LONGEST_COMMAND: usize = 2048;
/// Recipients of one message.
const MOST_RECIPIENTS: usize = 100;
/// Refused commands after which the session ends: whoever speaks is no mail client.
const MOST_ERRORS: usize = 50;

/// State of a session.
#[derive(Debug)]
pub(super) struct Session {
    limit: usize,
    greeted: bool,
    from: Option<String>,
    to: Vec<String>,
    /// The message while it arrives; none between messages.
    data: Option<Vec<u8>>,
    too_big: bool,
    /// A line whose end has not arrived.
    pending: Vec<u8>,
    /// Whether the beginning of the current line was dropped.
    skipping: bool,
    errors: usize,
    closed: bool,
}

impl Session {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            greeted: false,
            from: None,
            to: Vec::new(),
            data: None,
            too_big: false,
            pending: Vec::new(),
            skipping: false,
            errors: 0,
            closed: false,
        }
    }

    /// What the server says first.
    pub(super) const GREETING: &str = "220 localhost ESMTP shakedown\r\n";

    /// Whether the session is over.
    pub(super) fn closed(&self) -> bool {
        self.closed
    }

    /// Takes bytes in; appends replies, and returns the messages that were completed.
    pub(super) fn feed(&mut self, mut bytes: &[u8], replies: &mut String) -> Vec<Mail> {
        let mut mails = Vec::new();
        while !self.closed {
            let Some(end) = bytes.iter().position(|&byte| byte == b'\n') else {
                self.hold(bytes);
                break;
            };
            let (line, rest) = bytes.split_at(end + 1);
            bytes = rest;
            self.hold(line);
            let line = std::mem::take(&mut self.pending);
            let skipped = std::mem::take(&mut self.skipping);
            match &mut self.data {
                Some(_) => mails.extend(self.content(&line, skipped, replies)),
                None if skipped => self.refuse(replies, "500 5.5.2 line too long"),
                None => self.command(&line, replies),
            }
        }
        mails
    }

    /// Keeps the beginning of a line, within bounds.
    fn hold(&mut self, bytes: &[u8]) {
        let limit = if self.data.is_some() { self.limit } else { LONGEST_COMMAND };
        if self.skipping {
            return;
        }
        if self.pending.len() + bytes.len() > limit.saturating_add(2) {
            self.skipping = true;
            self.pending = Vec::new();
        } else {
            self.pending.extend_from_slice(bytes);
        }
    }

    /// A line of a message.
    fn content(&mut self, line: &[u8], skipped: bool, replies: &mut String) -> Option<Mail> {
        let bare = line.strip_suffix(b"\n").unwrap_or(line);
        let bare = bare.strip_suffix(b"\r").unwrap_or(bare);
        if !skipped && bare == b"." {
            let message = self.data.take().unwrap_or_default();
            let (from, to) = (self.from.take().unwrap_or_default(), std::mem::take(&mut self.to));
            if std::mem::take(&mut self.too_big) {
                self.refuse(replies, "552 5.3.4 message too big");
                return None;
            }
            replies.push_str("250 2.0.0 kept\r\n");
            return Some(Mail::parse(from, to, &message));
        }
        // A dot at the start of a line was doubled by the client.
        let line = line.strip_prefix(b".").unwrap_or(line);
        let room = self.limit.saturating_sub(self.data.as_ref().map_or(0, Vec::len));
        if skipped || line.len() > room {
            self.too_big = true;
        }
        if let Some(data) = &mut self.data {
            if self.too_big {
                // Refused in the end, so there is nothing to keep.
                *data = Vec::new();
            } else {
                data.extend_from_slice(line);
            }
        }
        None
    }

    fn command(&mut self, line: &[u8], replies: &mut String) {
        let text = String::from_utf8_lossy(line);
        let text = text.trim();
        let (verb, argument) = text.split_once(' ').unwrap_or((text, ""));
        match verb.to_ascii_uppercase().as_str() {
            "HELO" => {
                self.greet();
                replies.push_str("250 localhost\r\n");
            }
            "EHLO" => {
                self.greet();
                replies.push_str("250-localhost\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n");
                replies.push_str(&format!("250 SIZE {}\r\n", self.limit));
            }
            "MAIL" => self.mail(argument, replies),
            "RCPT" => self.recipient(argument, replies),
            "DATA" if self.to.is_empty() => self.refuse(replies, "503 5.5.1 expected RCPT first"),
            "DATA" => {
                self.data = Some(Vec::new());
                replies.push_str("354 end with a line that is a dot\r\n");
            }
            "RSET" => {
                self.reset();
                replies.push_str("250 2.0.0 forgotten\r\n");
            }
            "NOOP" => replies.push_str("250 2.0.0 here\r\n"),
            "VRFY" => replies.push_str("252 2.1.5 everybody is welcome\r\n"),
            "QUIT" => {
                self.closed = true;
                replies.push_str("221 2.0.0 bye\r\n");
            }
            _ => self.refuse(replies, "502 5.5.1 expected EHLO, HELO, MAIL, RCPT, DATA, RSET, NOOP or QUIT"),
        }
    }

    fn mail(&mut self, argument: &str, replies: &mut String) {
        if !self.greeted {
            return self.refuse(replies, "503 5.5.1 expected EHLO first");
        }
        if self.from.is_some() {
            return self.refuse(replies, "503 5.5.1 expected RCPT or DATA");
        }
        let Some((address, parameters)) = path(argument, "FROM:") else {
            return self.refuse(replies, "501 5.5.4 expected MAIL FROM:<address>");
        };
        let size = parameters.split_whitespace().find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.eq_ignore_ascii_case("SIZE").then(|| value.parse::<usize>().ok())?
        });
        if size.is_some_and(|size| size > self.limit) {
            return self.refuse(replies, "552 5.3.4 message too big");
        }
        self.from = Some(address.to_owned());
        replies.push_str("250 2.1.0 sender ok\r\n");
    }

    fn recipient(&mut self, argument: &str, replies: &mut String) {
        if self.from.is_none() {
            return self.refuse(replies, "503 5.5.1 expected MAIL first");
        }
        if self.to.len() == MOST_RECIPIENTS {
            return self.refuse(replies, "452 4.5.3 too many recipients");
        }
        match path(argument, "TO:") {
            Some((address, _)) if !address.is_empty() => {
                self.to.push(address.to_owned());
                replies.push_str("250 2.1.5 recipient ok\r\n");
            }
            _ => self.refuse(replies, "501 5.5.4 expected RCPT TO:<address>"),
        }
    }

    fn greet(&mut self) {
        self.greeted = true;
        self.reset();
    }

    fn reset(&mut self) {
        self.from = None;
        self.to.clear();
    }

    fn refuse(&mut self, replies: &mut String, reply: &str) {
        replies.push_str(reply);
        replies.push_str("\r\n");
        self.errors += 1;
        if self.errors >= MOST_ERRORS {
            replies.push_str("421 4.7.0 too many errors\r\n");
            self.closed = true;
        }
    }
}

/// `FROM:<address> parameters` to address and parameters.
fn path<'a>(argument: &'a str, keyword: &str) -> Option<(&'a str, &'a str)> {
    let head = argument.get(..keyword.len())?;
    if !head.eq_ignore_ascii_case(keyword) {
        return None;
    }
    let rest = argument[keyword.len()..].trim_start().strip_prefix('<')?;
    rest.split_once('>')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn talk(session: &mut Session, text: &str) -> (String, Vec<Mail>) {
        let mut replies = String::new();
        let mails = session.feed(text.as_bytes(), &mut replies);
        (replies, mails)
    }

    fn codes(replies: &str) -> Vec<&str> {
        replies.lines().filter(|line| line.as_bytes().get(3) == Some(&b' ')).map(|line| &line[..3]).collect()
    }

    #[test]
    fn a_pipelined_mail_is_taken_apart() {
        let text = "EHLO me\r\nMAIL FROM:<a@x> BODY=8BITMIME\r\nRCPT TO:<b@x>\r\nRCPT TO:<C@x>\r\nDATA\r\n\
            Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <1@x>\r\nX-Note: one\r\n two\r\n\r\nhello\r\n..dot\r\n.\r\nQUIT\r\n";
        let mut session = Session::new(10_000);
        let (replies, mails) = talk(&mut session, text);
        assert_eq!(codes(&replies), ["250", "250", "250", "250", "354", "250", "221"]);
        assert!(session.closed());
        let mail = &mails[0];
        assert_eq!((&*mail.from, &*mail.subject, &*mail.message_id), ("a@x", "Grüße", "1@x"));
        assert_eq!(mail.to, ["b@x", "C@x"]);
        assert_eq!(mail.text.trim_end(), "hello\r\n.dot");
        assert_eq!(mail.headers["x-note"], "one two");
        assert!(mail.is_to("c@X"));
    }

    #[test]
    fn commands_out_of_order_are_refused() {
        let mut session = Session::new(100);
        let text = "MAIL FROM:<a@x>\r\nDATA\r\nHELO me\r\nRCPT TO:<b@x>\r\nMAIL a@x\r\nSTARTTLS\r\n";
        let (replies, _) = talk(&mut session, text);
        assert_eq!(codes(&replies), ["503", "503", "250", "503", "501", "502"]);
        let (replies, _) = talk(&mut session, "MAIL FROM:<a@x>\r\nRSET\r\nRCPT TO:<b@x>\r\nNOOP\r\n");
        assert_eq!(codes(&replies), ["250", "250", "503", "250"]);
    }

    #[test]
    fn a_message_beyond_the_limit_is_refused_and_the_session_goes_on() {
        let mut session = Session::new(64);
        let begin = "HELO me\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n";
        let long = "x".repeat(10_000);
        for body in [format!("{long}\r\n"), "short\r\n".repeat(20)] {
            let (replies, mails) = talk(&mut session, &format!("{begin}{body}.\r\n"));
            assert_eq!(codes(&replies).last(), Some(&"552"));
            assert!(mails.is_empty());
        }
        let (replies, _) = talk(&mut session, "MAIL FROM:<a@x> SIZE=65\r\n");
        assert_eq!(codes(&replies), ["552"]);
        let (replies, mails) = talk(&mut session, &format!("{begin}fits\r\n.\r\n"));
        assert_eq!(codes(&replies).last(), Some(&"250"));
        assert_eq!(mails.len(), 1);
    }

    proptest! {
        #[test]
        fn any_bytes_leave_the_session_within_its_bounds(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..600), 0..30),
        ) {
            let mut session = Session::new(256);
            for chunk in chunks {
                let mut replies = String::new();
                session.feed(&chunk, &mut replies);
                prop_assert!(session.pending.len() <= LONGEST_COMMAND + 2);
                prop_assert!(session.data.as_ref().is_none_or(|data| data.len() <= 256));
            }
        }

        #[test]
        fn a_message_arrives_whole_however_it_is_cut(
            lines in prop::collection::vec("[ -~]{0,30}", 1..8),
            cuts in prop::collection::vec(1usize..20, 1..80),
        ) {
            let stuffed: String = lines.iter().map(|line| {
                let dot = if line.starts_with('.') { "." } else { "" };
                format!("{dot}{line}\r\n")
            }).collect();
            let text = format!("EHLO m\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\nSubject: s\r\n\r\n{stuffed}.\r\n");
            let mut session = Session::new(100_000);
            let mut rest = text.as_bytes();
            let mut mails = Vec::new();
            let mut cuts = cuts.into_iter().cycle();
            while !rest.is_empty() {
                let (head, tail) = rest.split_at(cuts.next().unwrap_or(1).min(rest.len()));
                mails.extend(session.feed(head, &mut String::new()));
                rest = tail;
            }
            prop_assert_eq!(mails.len(), 1);
            let sent: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
            prop_assert_eq!(mails[0].text.trim_end(), sent.trim_end());
        }
    }
}
