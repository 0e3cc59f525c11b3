//! The core alone, in memory: receiving and sending in both roles. `cargo bench -p bench`.
//!
//! The time per message is a turn's time divided by its messages: see the line of items per second.
//! Absolute times depend on the machine; `bench/peers` compares with the minimum in the same run.

use bench::{
    in_memory::{Batch, Role, Source, Subject, minimum, ours},
    payload::Case,
};
use divan::{AllocProfiler, Bencher, counter::ItemsCount};

/// Shows allocations beside the times: there must be none.
#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

/// Length of a read buffer that holds every batch.
const WHOLE: usize = 2 << 20;
/// Length of a read buffer shared by all connections of a thread: 1 MiB arrives in parts.
const USUAL: usize = 256 << 10;

fn main() {
    divan::main();
}

fn time(bencher: Bencher<'_, '_>, messages: usize, mut subject: impl Subject) {
    // One-time allocations are not part of the steady state.
    subject.turn();
    bencher
        .counter(ItemsCount::new(messages))
        .bench_local(|| subject.turn());
}

/// Receives in that role from a peer in the other role.
fn receive(bencher: Bencher<'_, '_>, role: Role, case: Case, buffer: usize) {
    let peer = match role {
        Role::Server => Role::Client,
        Role::Client => Role::Server,
    };
    let messages = Batch::default().of(case.len);
    let source = Source::new(peer, case, messages);
    time(bencher, messages, ours::Receive::new(role, source, buffer));
}

fn send(bencher: Bencher<'_, '_>, role: Role, case: Case, way: ours::Way) {
    let messages = Batch::default().of(case.len);
    let subject = ours::Send::new(role, case, messages, way);
    time(bencher, messages, subject);
}

#[divan::bench(args = Case::all())]
fn receive_as_server(bencher: Bencher<'_, '_>, case: Case) {
    receive(bencher, Role::Server, case, WHOLE);
}

#[divan::bench(args = Case::all())]
fn receive_as_client(bencher: Bencher<'_, '_>, case: Case) {
    receive(bencher, Role::Client, case, WHOLE);
}

#[divan::bench(args = Case::all().filter(|case| case.len > USUAL))]
fn receive_in_parts(bencher: Bencher<'_, '_>, case: Case) {
    receive(bencher, Role::Server, case, USUAL);
}

#[divan::bench(args = Case::all())]
fn receive_at_the_bare_minimum(bencher: Bencher<'_, '_>, case: Case) {
    let messages = Batch::default().of(case.len);
    let source = Source::new(Role::Client, case, messages);
    let subject = minimum::Receive::new(Role::Server, case.content, source);
    time(bencher, messages, subject);
}

#[divan::bench(args = Case::all())]
fn send_as_server(bencher: Bencher<'_, '_>, case: Case) {
    send(bencher, Role::Server, case, ours::Way::Copied);
}

#[divan::bench(args = Case::all())]
fn send_through_as_server(bencher: Bencher<'_, '_>, case: Case) {
    send(bencher, Role::Server, case, ours::Way::Through);
}

#[divan::bench(args = Case::all())]
fn send_as_client(bencher: Bencher<'_, '_>, case: Case) {
    send(bencher, Role::Client, case, ours::Way::Copied);
}

#[divan::bench(args = Case::all(), consts = [false, true])]
fn send_at_the_bare_minimum<const AS_CLIENT: bool>(bencher: Bencher<'_, '_>, case: Case) {
    let role = if AS_CLIENT {
        Role::Client
    } else {
        Role::Server
    };
    let messages = Batch::default().of(case.len);
    time(bencher, messages, minimum::Send::new(role, case, messages));
}
