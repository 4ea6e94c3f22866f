//! What several tests need: a served router, and deliveries that no broker made.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part")]

use axum::Router;
use lapin::BasicProperties;
use lapin::message::Delivery;
use lapin::types::FieldTable;

pub const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[derive(Debug)]
pub struct ConsumerError;

impl std::fmt::Display for ConsumerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("refused")
    }
}

pub fn serve(listener: tokio::net::TcpListener, app: Router) {
    tokio::spawn(async move { axum::serve(listener, app).await });
}

pub fn delivery(exchange: &str, routing_key: &str, headers: FieldTable, redelivered: bool) -> Delivery {
    let mut delivery = Delivery::mock(9, exchange.into(), routing_key.into(), redelivered, b"{}".to_vec());
    delivery.properties = BasicProperties::default().with_headers(headers).with_message_id("m-1".into());
    delivery
}
