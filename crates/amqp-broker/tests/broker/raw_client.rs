//! A client that says exactly what a test wants it to, right or wrong.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::lapin_client::within;

pub(crate) struct Raw {
    pub(crate) socket: TcpStream,
}

/// A method frame: its channel, class, method, and arguments.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) channel: u16,
    pub(crate) class: u16,
    pub(crate) method: u16,
    pub(crate) arguments: Vec<u8>,
}

impl Answer {
    /// Code and text of a close.
    pub(crate) fn close(&self) -> (u16, String) {
        let code = u16::from_be_bytes([self.arguments[0], self.arguments[1]]);
        let length = self.arguments[2] as usize;
        (code, String::from_utf8(self.arguments[3..3 + length].to_vec()).unwrap())
    }
}

pub(crate) fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![kind];
    frame.extend(channel.to_be_bytes());
    frame.extend((payload.len() as u32).to_be_bytes());
    frame.extend(payload);
    frame.push(0xCE);
    frame
}

pub(crate) fn method(channel: u16, class: u16, method: u16, arguments: &[u8]) -> Vec<u8> {
    let mut payload = class.to_be_bytes().to_vec();
    payload.extend(method.to_be_bytes());
    payload.extend(arguments);
    frame(1, channel, &payload)
}

pub(crate) fn short(text: &str) -> Vec<u8> {
    let mut bytes = vec![text.len() as u8];
    bytes.extend(text.as_bytes());
    bytes
}

fn long(bytes: &[u8]) -> Vec<u8> {
    let mut out = (bytes.len() as u32).to_be_bytes().to_vec();
    out.extend(bytes);
    out
}

pub(crate) fn start_ok(user: &str, password: &str, mechanism: &str, properties: &[u8]) -> Vec<u8> {
    let response = format!("\0{user}\0{password}");
    method(0, 10, 11, &[long(properties), short(mechanism), long(response.as_bytes()), short("en_US")].concat())
}

pub(crate) fn tune_ok(channel_max: u16, frame_max: u32, heartbeat: u16) -> Vec<u8> {
    method(0, 10, 31, &[&channel_max.to_be_bytes()[..], &frame_max.to_be_bytes(), &heartbeat.to_be_bytes()].concat())
}

pub(crate) fn open(vhost: &str) -> Vec<u8> {
    method(0, 10, 40, &[short(vhost), short(""), vec![0]].concat())
}

impl Raw {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self { socket: TcpStream::connect(address).await.unwrap() }
    }

    /// Connected, with its virtual host open.
    pub(crate) async fn opened(address: SocketAddr, frame_max: u32, heartbeat: u16) -> Self {
        let mut raw = Self::connect(address).await;
        raw.send(b"AMQP\x00\x00\x09\x01").await;
        raw.expect(10, 10).await;
        raw.send(&start_ok("guest", "guest", "PLAIN", &[])).await;
        raw.expect(10, 30).await;
        raw.send(&tune_ok(100, frame_max, heartbeat)).await;
        raw.send(&open("/")).await;
        raw.expect(10, 41).await;
        raw
    }

    pub(crate) async fn open_channel(&mut self, channel: u16) {
        self.send(&method(channel, 20, 10, &short(""))).await;
        self.expect(20, 11).await;
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        within("the broker to read", self.socket.write_all(bytes)).await.unwrap();
    }

    /// Type, channel and payload of the next frame; `None` at the end of the connection.
    pub(crate) async fn next_frame(&mut self) -> Option<(u8, u16, Vec<u8>)> {
        let mut header = [0; 7];
        within("a frame", self.socket.read_exact(&mut header)).await.ok()?;
        let length = u32::from_be_bytes([header[3], header[4], header[5], header[6]]) as usize;
        let mut rest = vec![0; length + 1];
        within("the rest of a frame", self.socket.read_exact(&mut rest)).await.ok()?;
        assert_eq!(rest.pop(), Some(0xCE));
        Some((header[0], u16::from_be_bytes([header[1], header[2]]), rest))
    }

    pub(crate) async fn next(&mut self) -> Answer {
        let (kind, channel, payload) = self.next_frame().await.expect("the connection ended");
        assert_eq!(kind, 1, "a method frame was expected");
        Answer {
            channel,
            class: u16::from_be_bytes([payload[0], payload[1]]),
            method: u16::from_be_bytes([payload[2], payload[3]]),
            arguments: payload[4..].to_vec(),
        }
    }

    pub(crate) async fn expect(&mut self, class: u16, method: u16) -> Answer {
        let answer = self.next().await;
        assert_eq!((answer.class, answer.method), (class, method), "{answer:?}");
        answer
    }

    /// Code of the `connection.close` that must come now.
    pub(crate) async fn expect_close(&mut self) -> u16 {
        self.expect(10, 50).await.close().0
    }

    pub(crate) async fn expect_end(&mut self) {
        let frame = self.next_frame().await;
        assert!(frame.is_none(), "{frame:?}");
    }
}
