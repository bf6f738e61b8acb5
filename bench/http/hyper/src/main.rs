// hyper on tokio's current_thread runtime; answers to pipelined requests are flushed together.
use std::convert::Infallible;
use std::net::SocketAddr;

use hyper::header::{HeaderValue, CONTENT_TYPE};
use hyper::service::{make_service_fn, service_fn};
use hyper::{Body, Request, Response, Server};

async fn hello(_: Request<Body>) -> Result<Response<Body>, Infallible> {
    let mut response = Response::new(Body::from("Hello, World!"));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    Ok(response)
}

async fn serve(port: u16) -> Result<(), hyper::Error> {
    let make = make_service_fn(|_| async { Ok::<_, Infallible>(service_fn(hello)) });
    Server::bind(&SocketAddr::from(([127, 0, 0, 1], port)))
        .tcp_nodelay(true)
        .http1_only(true)
        .http1_pipeline_flush(true)
        .serve(make)
        .await
}

fn main() {
    let port = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .expect("usage: server PORT");
    tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .expect("a runtime")
        .block_on(serve(port))
        .expect("to serve");
}
