//! A collector that takes requests over plain TCP and answers them wrongly.
#![allow(unreachable_pub, reason = "a module of one test binary")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

#[derive(Clone)]
pub enum Fault {
    /// Accepts and never answers.
    Hang,
    /// Answers well, after a while.
    Slow(Duration),
    /// Answers 200 with this body.
    Body(Arc<[u8]>),
    /// Answers something that is not HTTP.
    Garbage,
    /// Answers these in turn, the last one again and again, each followed by the end of the connection.
    Answers(Vec<String>),
}

#[derive(Default)]
struct Seen {
    requests: AtomicUsize,
    written: AtomicUsize,
    last: Mutex<(String, Vec<u8>)>,
    hung: (Mutex<bool>, Condvar),
}

pub struct Collector {
    address: SocketAddr,
    seen: Arc<Seen>,
}

impl Fault {
    pub fn status(status: &str) -> Self {
        Self::Answers(vec![format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n")])
    }

    pub fn answers(answers: &[&str]) -> Self {
        Self::Answers(answers.iter().map(|answer| (*answer).to_owned()).collect())
    }
}

impl Collector {
    pub fn start(fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let accepting = Arc::clone(&seen);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (fault, seen) = (fault.clone(), Arc::clone(&accepting));
                thread::spawn(move || serve(stream, &fault, &seen));
            }
        });
        Self { address, seen }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn requests(&self) -> usize {
        self.seen.requests.load(Ordering::SeqCst)
    }

    /// Bytes of answers that the other side has made room for.
    pub fn written(&self) -> usize {
        self.seen.written.load(Ordering::SeqCst)
    }

    /// Head and body of the last request.
    pub fn last(&self) -> (String, Vec<u8>) {
        self.seen.last.lock().unwrap().clone()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        *self.seen.hung.0.lock().unwrap() = true;
        self.seen.hung.1.notify_all();
    }
}

fn serve(stream: TcpStream, fault: &Fault, seen: &Seen) {
    let mut out = stream.try_clone().unwrap();
    let mut input = BufReader::new(stream);
    while let Some((head, body)) = request(&mut input) {
        *seen.last.lock().unwrap() = (head, body);
        let nth = seen.requests.fetch_add(1, Ordering::SeqCst);
        let ok = |body: &[u8]| format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        let (head, body, ends) = match fault {
            Fault::Hang => {
                let over = seen.hung.0.lock().unwrap();
                drop(seen.hung.1.wait_while(over, |over| !*over));
                return;
            }
            Fault::Slow(wait) => {
                thread::sleep(*wait);
                (ok(&[]), &[][..], false)
            }
            Fault::Body(body) => (ok(body), &**body, false),
            Fault::Garbage => ("\x00\x01\x02 not a web server\r\n\r\n".to_owned(), &[][..], true),
            Fault::Answers(answers) => {
                // Said beforehand, or a client that is quick would send its next request into the end of this connection.
                let answer = &answers[nth.min(answers.len() - 1)];
                (answer.replacen("\r\n\r\n", "\r\nconnection: close\r\n\r\n", 1), &[][..], true)
            }
        };
        for part in std::iter::once(head.as_bytes()).chain(body.chunks(1 << 16)) {
            if out.write_all(part).is_err() {
                return;
            }
            seen.written.fetch_add(part.len(), Ordering::SeqCst);
        }
        if ends {
            return;
        }
    }
}

/// `None` at the end of the connection.
fn request(input: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if input.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    input.read_exact(&mut body).ok()?;
    Some((head, body))
}
