//! The core alone, in memory: receiving and sending in both roles. `cargo bench -p bench`.
//!
//! The time per message is a turn's time divided by the messages of a turn: read the column of items
//! per second. Absolute times say little; `bench/peers` compares with the bare minimum.

use bench::{Batch, Content, LENGTHS, Role, Source, Subject, minimum, ours};
use divan::{AllocProfiler, Bencher, counter::ItemsCount};

/// Shows allocations beside the times: there must be none.
#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

/// A read buffer that holds every batch.
const WHOLE: usize = 2 << 20;
/// The read buffer that serves all connections of a thread well: 1 MiB comes in parts.
const USUAL: usize = 256 << 10;

const CONTENTS: [Content; 3] = [Content::Binary, Content::Ascii, Content::Mixed];

fn main() {
    divan::main();
}

fn time(bencher: Bencher<'_, '_>, messages: usize, mut subject: impl Subject) {
    // What is allocated once is not part of the steady state.
    subject.turn();
    bencher
        .counter(ItemsCount::new(messages))
        .bench_local(|| subject.turn());
}

/// The same batch as a peer of `role` sends it.
fn source(role: Role, content: Content, len: usize) -> Source {
    let peer = match role {
        Role::Server => Role::Client,
        Role::Client => Role::Server,
    };
    Source::new(peer, content, len, Batch::default().of(len))
}

#[divan::bench(args = LENGTHS, consts = [0, 1, 2])]
fn receive_as_server<const CONTENT: usize>(bencher: Bencher<'_, '_>, len: usize) {
    let source = source(Role::Server, CONTENTS[CONTENT], len);
    let messages = source.messages;
    time(
        bencher,
        messages,
        ours::Receive::new(Role::Server, source, WHOLE),
    );
}

#[divan::bench(args = LENGTHS, consts = [0, 1, 2])]
fn receive_as_client<const CONTENT: usize>(bencher: Bencher<'_, '_>, len: usize) {
    let source = source(Role::Client, CONTENTS[CONTENT], len);
    let messages = source.messages;
    time(
        bencher,
        messages,
        ours::Receive::new(Role::Client, source, WHOLE),
    );
}

#[divan::bench(consts = [0, 1, 2])]
fn receive_in_parts<const CONTENT: usize>(bencher: Bencher<'_, '_>) {
    let source = source(Role::Server, CONTENTS[CONTENT], 1 << 20);
    let messages = source.messages;
    time(
        bencher,
        messages,
        ours::Receive::new(Role::Server, source, USUAL),
    );
}

#[divan::bench(args = LENGTHS)]
fn receive_bare_minimum(bencher: Bencher<'_, '_>, len: usize) {
    let source = source(Role::Server, Content::Binary, len);
    let messages = source.messages;
    let subject = minimum::Receive::new(Role::Server, Content::Binary, source);
    time(bencher, messages, subject);
}

#[divan::bench(args = LENGTHS)]
fn send_as_server(bencher: Bencher<'_, '_>, len: usize) {
    let messages = Batch::default().of(len);
    let subject = ours::Send::new(
        Role::Server,
        Content::Binary,
        len,
        messages,
        ours::Way::Copied,
    );
    time(bencher, messages, subject);
}

#[divan::bench(args = LENGTHS)]
fn send_through_as_server(bencher: Bencher<'_, '_>, len: usize) {
    let messages = Batch::default().of(len);
    let subject = ours::Send::new(
        Role::Server,
        Content::Binary,
        len,
        messages,
        ours::Way::Through,
    );
    time(bencher, messages, subject);
}

#[divan::bench(args = LENGTHS)]
fn send_as_client(bencher: Bencher<'_, '_>, len: usize) {
    let messages = Batch::default().of(len);
    let subject = ours::Send::new(
        Role::Client,
        Content::Binary,
        len,
        messages,
        ours::Way::Copied,
    );
    time(bencher, messages, subject);
}

#[divan::bench(args = LENGTHS)]
fn send_bare_minimum(bencher: Bencher<'_, '_>, len: usize) {
    let messages = Batch::default().of(len);
    let subject = minimum::Send::new(Role::Client, Content::Binary, len, messages);
    time(bencher, messages, subject);
}
