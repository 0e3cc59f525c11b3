//! Short deadlines on the real clock, which cannot be moved. Their exact times are tested with a virtual clock.

use std::{sync::Arc, time::Duration};

use driver_smol::{
    Accept, ClientRequest, CloseCode, ClosedBy, Connect, ConnectError, Server, TimedSendError,
    Upgrade, accept, connect_over,
    wsproto::{Cause, Deadline},
};
use futures_util::future::{join, join_all};
use smol::Async;
use testkit::{PATIENCE, config};

use crate::runtime::pipe;

const SOON: Duration = Duration::from_millis(40);

#[test]
fn a_request_that_does_not_come_is_given_up() {
    smol::block_on(async {
        let (_silent, far) = pipe(1 << 10);
        let hasty = config(|config| {
            config.opening_timeout = Some(SOON);
            config.close_timeout = Some(SOON);
        });
        assert!(accept(far, hasty).await.is_err());
    });
}

#[test]
fn idle_connections_of_a_server_end_in_time_and_in_order() {
    smol::block_on(async {
        let server = Server::bind("127.0.0.1:0").await.expect("a free port");
        let hasty = config(|config| config.idle_timeout = Some(SOON));
        let server = server.config(hasty);
        let url = format!("ws://{}/", server.local_addr().expect("it is bound"));
        let handle = server.handle();
        let serve = server.serve(|upgrade| async move {
            let mut socket = upgrade.accept(&Accept::new()).await.expect("a client");
            let _ = socket.recv().await;
        });
        let clients = async {
            let idle = |_| async {
                let connected = Connect::new(&url).connect().await;
                let (mut socket, _) = connected.expect("a connection");
                assert_eq!(socket.recv().await, Ok(None));
                let closed = socket.closed().expect("it is over");
                assert_eq!((closed.code, closed.clean), (CloseCode::GOING_AWAY, true));
            };
            join_all((0..100).map(idle)).await;
            assert_eq!(handle.shutdown(PATIENCE).await, 0);
        };
        join(serve, clients).await;
    });
}

#[test]
fn a_peer_that_takes_nothing_is_given_up_after_a_send_that_was_given_up_before() {
    smol::block_on(async {
        let (near, far) = pipe(1 << 10);
        let serve = async {
            let upgrade = accept(far, Arc::default()).await.expect("a request");
            upgrade.accept(&Accept::new()).await.expect("it is one")
        };
        let request = ClientRequest::new("localhost", "/");
        let hasty = config(|config| config.write_timeout = Some(4 * SOON));
        let (_served, connected) = join(serve, connect_over(near, hasty, &request)).await;
        let (mut socket, _) = connected.expect("a connection");
        let sent = socket.send_timeout(vec![0; 1 << 16], SOON).await;
        assert_eq!(sent, Err(TimedSendError::TimedOut { queued: true }));
        assert!(socket.flush().await.is_err());
        let error = socket.recv().await.expect_err("a deadline");
        assert_eq!(error.cause, Cause::Deadline(Deadline::Write));
        let closed = socket.closed().expect("it is over");
        assert_eq!(closed.by, ClosedBy::Deadline(Deadline::Write));
    });
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    smol::block_on(async {
        // The kernel accepts, and nobody reads.
        let listener = Async::<std::net::TcpListener>::bind(([127, 0, 0, 1], 0));
        let listener = listener.expect("a free port");
        let address = listener.get_ref().local_addr().expect("it is bound");
        let connect = Connect::new(format!("ws://{address}/")).timeout(SOON);
        let error = connect.connect().await.expect_err("no answer");
        assert!(matches!(error, ConnectError::TimedOut), "{error}");
    });
}

#[test]
fn a_handler_that_does_not_notice_is_dropped_when_patience_ends() {
    smol::block_on(async {
        let server = Server::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("ws://{}/", server.local_addr().expect("it is bound"));
        let handle = server.handle();
        let serve = server.serve(|upgrade: Upgrade| async move {
            let _socket = upgrade.accept(&Accept::new()).await;
            std::future::pending::<()>().await;
        });
        let client = async {
            let connected = Connect::new(&url).connect().await;
            let _socket = connected.expect("a connection");
            assert_eq!(handle.shutdown(SOON).await, 1);
        };
        join(serve, client).await;
    });
}
