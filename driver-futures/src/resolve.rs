//! Name resolution: hosts and ports as people write them.

use std::{
    io::{self, ErrorKind},
    net::{IpAddr, SocketAddr},
};

use crate::runtime::Runtime;

/// The addresses of a host, which is a name or an address, IPv6 without brackets.
pub(crate) async fn host<R: Runtime>(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    match host.parse::<IpAddr>() {
        Ok(ip) => Ok(vec![SocketAddr::new(ip, port)]),
        Err(_) => R::resolve(host, port).await,
    }
}

/// The addresses of a host and a port, as in `localhost:80` and `[::1]:80`.
pub(crate) async fn host_and_port<R: Runtime>(text: &str) -> io::Result<Vec<SocketAddr>> {
    if let Ok(address) = text.parse() {
        return Ok(vec![address]);
    }
    let invalid = |what| io::Error::new(ErrorKind::InvalidInput, what);
    let (name, port) = text
        .rsplit_once(':')
        .ok_or_else(|| invalid("invalid socket address"))?;
    let port = port.parse().map_err(|_| invalid("invalid port value"))?;
    host::<R>(name, port).await
}
