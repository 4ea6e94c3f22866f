//! A mail server that keeps what it is sent: real SMTP on loopback, bounded, for journeys and invariants to read.
//!
//! It speaks the part of RFC 5321 that clients use (EHLO, HELO, MAIL, RCPT, DATA, RSET, NOOP, VRFY, QUIT, with PIPELINING
//! and SIZE), accepts every recipient and delivers to nobody.

mod mail;
mod session;
mod sink;

pub use mail::Mail;
pub use sink::Sink;
