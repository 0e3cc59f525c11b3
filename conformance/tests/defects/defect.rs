//! What can be wrong with a peer, and which cases show it.

use conformance::Role;

/// One thing that is wrong with a peer, and that published implementations did wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Defect {
    /// A second frame that came with another waits until more bytes come.
    OneFrameARead,
    /// Reading stops while the output is full, and is never taken up again.
    NeverResumes,
    /// The end of the stream overtakes what came before it.
    EndOvertakes,
    /// Bytes that came together with the head are dropped.
    EarlyDataLost,
    /// A pong between two fragments ends the message.
    PongEndsMessage,
    /// A new message silently replaces one that is not finished.
    NewReplacesOld,
    /// What control frames carry enters the history of the compressor.
    ControlInHistory,
    /// A plain message behind a compressed one is inflated.
    CompressedSticks,
    /// The second compressed message meets an inflater without history.
    TakeoverForgotten,
    /// What was asked of the server's compressor is done, but not said.
    WindowNotEchoed,
    /// An offer with `client_max_window_bits` without a value is declined.
    BitsWithoutValueDeclined,
    /// An unknown extension fails the handshake instead of being declined.
    UnknownExtensionRefused,
    /// A request that is refused gets no answer.
    RefusalUnanswered,
    /// A Close frame overtakes what was queued before it.
    CloseOvertakes,
    /// Messages are echoed behind the peer's own Close frame.
    DataAfterClose,
    /// A transport that is closed with unread input is reset, which destroys what was sent last.
    UnreadResets,
    /// Messages of one read are answered in disorder.
    Disorder,
    /// The top bit of a length is passed over.
    TopBit,
    /// A frame and a message may be as long as they say.
    LengthUnlimited,
    /// The limit of messages counts frames only.
    SumUncounted,
    /// A message may have any number of fragments.
    FragmentsUncounted,
    /// A message may inflate to any length.
    InflatedUnlimited,
    /// Every ping is answered, whether anybody takes the pongs or not.
    PongsUnbounded,
    /// Of too many pongs the oldest are kept.
    OldestPongsWin,
    /// Reading goes on while nobody takes the output.
    OutputUnbounded,
    /// A head may be of any length.
    HeadUnlimited,
    /// A head may take any time.
    NoOpeningDeadline,
    /// The answer to a Close frame, and the end of the transport, may take any time.
    NoCloseDeadline,
    /// A peer may take nothing for any time.
    NoWriteDeadline,
    /// Nothing is sent to a peer that is silent.
    NoPings,
    /// A pong may take any time.
    NoPongDeadline,
    /// A connection without messages may take any time.
    NoIdleDeadline,
    /// Frames are taken with a mask or without.
    MaskIgnored,
    /// Control frames may have more than 125 bytes.
    LongControl,
    /// Control frames may be fragments.
    FragmentedControl,
    /// Reserved bits are passed over.
    ReservedBits,
    /// RSV2 and RSV3 are passed over once there is compression.
    ReservedBitsUnderCompression,
    /// RSV1 is passed over on a continuation.
    CompressedContinuation,
    /// Reserved opcodes are passed over.
    ReservedOpcodes,
    /// A continuation of nothing is a message.
    StrayContinuation,
    /// Lengths may have more bytes than they need.
    LongLengths,
    /// A Close frame may have one byte.
    HalfCode,
    /// A Close frame may have any code.
    AnyCode,
    /// The reason of a Close frame may be any bytes.
    AnyReason,
    /// A Close frame is not answered.
    CloseUnanswered,
    /// A Close frame is always answered with 1011.
    CodeNotEchoed,
    /// A server leaves it to the client to end the transport.
    KeepsTransport,
    /// Pings are not answered.
    PingsUnanswered,
    /// Pongs do not carry what the ping did.
    PongsEmpty,
    /// Text may be any bytes.
    TextUnchecked,
    /// Text is judged when it is complete.
    TextJudgedLate,
    /// Frames are judged when they are complete.
    JudgedLate,
    /// Connections are opened with POST.
    PostAccepted,
    /// Connections are opened with HTTP/1.0.
    OldHttpAccepted,
    /// Any key will do.
    KeyUnchecked,
    /// Any version will do.
    VersionUnchecked,
    /// The word `upgrade` may stand anywhere in Connection.
    ConnectionContains,
    /// Connection must have one element.
    ConnectionExact,
    /// Of two lines of Connection the last counts.
    ConnectionLastLine,
    /// Upgrade is compared letter by letter.
    UpgradeHasCase,
    /// A client does not look at the answer to its key.
    AcceptUnchecked,
    /// A client takes a subprotocol that it did not ask for.
    SubprotocolUnchecked,
    /// A client takes an extension that it did not offer.
    ExtensionUnchecked,
}

/// A defect and its cases. Names are written as for the command line, with spaces between them.
#[derive(Debug)]
pub(crate) struct Mutant {
    pub(crate) defect: Defect,
    /// Only one role can have it.
    pub(crate) role: Option<Role>,
    /// Cases that must show it.
    pub(crate) made: &'static str,
    /// Further cases that may.
    pub(crate) touched: &'static str,
}

const fn both(defect: Defect, made: &'static str, touched: &'static str) -> Mutant {
    Mutant {
        defect,
        role: None,
        made,
        touched,
    }
}

const fn server(defect: Defect, made: &'static str, touched: &'static str) -> Mutant {
    Mutant {
        role: Some(Role::Server),
        ..both(defect, made, touched)
    }
}

const fn client(defect: Defect, made: &'static str, touched: &'static str) -> Mutant {
    Mutant {
        role: Some(Role::Client),
        ..both(defect, made, touched)
    }
}

/// All of them.
pub(crate) const MUTANTS: &[Mutant] = &[
    both(
        Defect::OneFrameARead,
        "2.10 chopping/in-two-two-fragmented chopping/many-messages-in-* chopping/many-fragments-in-* backpressure/message-small-pipelined",
        "*",
    ),
    both(
        Defect::NeverResumes,
        "backpressure/message-flood",
        "limits/message-longest-twice closing/before-unread-messages",
    ),
    both(
        Defect::EndOvertakes,
        "closing/finish-after-* closing/end-after-message closing/end-after-long-message",
        "server-handshake/answer-no-key-then-end early-data/request-ends-with-message-close-and-end early-data/response-ends-with-message-close-and-end",
    ),
    both(
        Defect::EarlyDataLost,
        "early-data/request-with-* early-data/response-with-*",
        "client-handshake/form-* early-data",
    ),
    both(
        Defect::PongEndsMessage,
        "chopping/in-two-pong-between chopping/in-pieces-pong-between",
        "deflate/mixture-controls-between-fragments deadlines/ping-inside-a-message",
    ),
    both(
        Defect::NewReplacesOld,
        "5.18 limits/first-byte-text-in-message limits/first-byte-binary-in-message",
        "",
    ),
    both(
        Defect::ControlInHistory,
        "deflate/mixture-pings-not-in-history deflate/mixture-controls-between-fragments",
        "",
    ),
    both(
        Defect::CompressedSticks,
        "deflate/mixture-plain-in-turn deflate/mixture-plain-not-in-history deflate/mixture-empty-between deflate/mixture-plain-fragments-after deflate/mixture-fragments-in-turn deflate/mixture-plain-like-a-stream",
        "deflate/mixture-* deflate/offer-*",
    ),
    both(
        Defect::TakeoverForgotten,
        "deflate/message-lengths-0-to-129 deflate/mixture-repeated deflate/mixture-plain-in-turn deflate/server-window-8",
        "deflate",
    ),
    server(
        Defect::WindowNotEchoed,
        "deflate/server-window-8 deflate/server-window-9 deflate/server-window-10",
        "server-handshake/offer-* deflate",
    ),
    server(
        Defect::BitsWithoutValueDeclined,
        "deflate/message-text deflate/message-binary",
        "deflate",
    ),
    server(
        Defect::UnknownExtensionRefused,
        "server-handshake/offer-unknown-extension server-handshake/offer-unknown-extension-parameters server-handshake/offer-unknown-extensions-two-lines server-handshake/offer-unknown-then-deflate",
        "deflate/offer-* deflate/decline-*",
    ),
    server(
        Defect::RefusalUnanswered,
        "server-handshake/first-line-* server-handshake/header-*",
        "server-handshake",
    ),
    both(
        Defect::CloseOvertakes,
        "closing/before-message closing/before-hundred-messages closing/before-long-message closing/before-unread-messages closing/finish-after-message closing/finish-after-two-messages",
        "3.2 4.* 5.15 chopping/close-after-* closing/before-ping closing/finish-after-long-message early-data/request-ends-with-* early-data/response-ends-with-*",
    ),
    both(Defect::DataAfterClose, "closing/after-message", "*"),
    both(
        Defect::UnreadResets,
        "closing/after-message closing/after-second-close closing/after-reserved-opcode closing/after-bad-text closing/after-garbage closing/after-rest-of-message",
        "7.1.* server-handshake/answer-* closing/after-* deadlines/close-*",
    ),
    both(
        Defect::Disorder,
        "chopping/many-messages-in-one-write backpressure/message-small-pipelined",
        "client-handshake/request-masks chopping/many-messages-in-* deflate/mixture-* deflate/cut-pings-between closing/before-hundred-messages early-data",
    ),
    both(
        Defect::TopBit,
        "limits/length-2-64-minus-1-text limits/length-2-64-minus-1-binary limits/length-2-64-minus-1-continuation limits/later-byte-top-bit",
        "limits/length-2-63-text limits/length-2-63-binary limits/length-2-63-continuation",
    ),
    both(
        Defect::LengthUnlimited,
        "limits/length-2-62-text limits/length-2-62-binary limits/length-2-62-continuation limits/later-byte-2-62 limits/message-one-byte-too-long limits/frame-one-byte-too-long",
        "limits/length-* limits/message-too-long-by-header limits/frame-of-text-too-long",
    ),
    both(
        Defect::SumUncounted,
        "limits/message-one-byte-too-long limits/message-too-long-by-header",
        "",
    ),
    both(
        Defect::FragmentsUncounted,
        "limits/fragments-one-too-many-of-0-bytes limits/fragments-one-too-many-of-1-bytes",
        "",
    ),
    both(
        Defect::InflatedUnlimited,
        "deflate/bomb-one-byte-too-long deflate/bomb-64-times-too-long",
        "deflate/bomb-*",
    ),
    both(Defect::PongsUnbounded, "backpressure/ping-flood", ""),
    both(
        Defect::OldestPongsWin,
        "backpressure/ping-flood",
        "backpressure/ping-burst",
    ),
    both(Defect::OutputUnbounded, "backpressure/message-flood", ""),
    both(
        Defect::HeadUnlimited,
        "server-handshake/limit-one-byte-too-long client-handshake/limit-one-byte-too-long",
        "server-handshake/limit-* client-handshake/limit-*",
    ),
    both(
        Defect::NoOpeningDeadline,
        "server-handshake/limit-timeout-half-head client-handshake/limit-timeout-silent",
        "server-handshake/limit-* client-handshake/limit-*",
    ),
    both(
        Defect::NoCloseDeadline,
        "deadlines/close-after-idle deadlines/close-despite-messages deadlines/close-of-a-client",
        "deadlines/close-after-failure",
    ),
    both(Defect::NoWriteDeadline, "deadlines/write-stalled", ""),
    both(
        Defect::NoPings,
        "deadlines/ping-* deadlines/pong-missing",
        "",
    ),
    both(Defect::NoPongDeadline, "deadlines/pong-missing", ""),
    both(
        Defect::NoIdleDeadline,
        "deadlines/idle-silent deadlines/idle-pings-do-not",
        "deadlines/close-after-idle deadlines/close-despite-messages",
    ),
    both(
        Defect::MaskIgnored,
        "limits/second-byte-text-without-mask limits/second-byte-text-with-mask limits/second-byte-ping-without-mask limits/second-byte-ping-with-mask limits/second-byte-close-without-mask limits/second-byte-close-with-mask",
        "",
    ),
    both(
        Defect::LongControl,
        "2.5 7.3.6 limits/second-byte-close-of-126 limits/second-byte-ping-of-126 limits/second-byte-pong-of-126",
        "limits/second-byte-* closing/payload-reason-of-124-bytes closing/crossing-long-ping",
    ),
    both(
        Defect::FragmentedControl,
        "5.1 limits/first-byte-close-without-fin limits/first-byte-ping-without-fin limits/first-byte-pong-without-fin",
        "",
    ),
    both(
        Defect::ReservedBits,
        "3.1 3.2 3.3 3.4 3.5 3.6 limits/first-byte-text-rsv-001 limits/first-byte-continuation-rsv1",
        "limits/first-byte-* early-data/request-ends-with-reserved-bit early-data/response-ends-with-reserved-bit",
    ),
    both(
        Defect::ReservedBitsUnderCompression,
        "deflate/reserved-rsv2-plain deflate/reserved-rsv3-plain",
        "deflate/reserved-*",
    ),
    both(
        Defect::CompressedContinuation,
        "deflate/reserved-rsv1-continuation-of-compressed deflate/reserved-rsv1-continuation-of-plain deflate/reserved-rsv1-continuation-only",
        "deflate/reserved-*",
    ),
    both(
        Defect::ReservedOpcodes,
        "4.* limits/first-byte-opcode-3 limits/first-byte-opcode-f",
        "limits/first-byte-* closing/crossing-reserved-opcode deadlines/close-after-failure",
    ),
    both(
        Defect::StrayContinuation,
        "5.9 5.10 5.11 limits/first-byte-stray-continuation limits/first-byte-stray-continuation-without-fin",
        "5.17",
    ),
    both(
        Defect::LongLengths,
        "limits/long-form-text-* limits/long-form-binary-* limits/long-form-last-frame-* limits/later-byte-100-in-two limits/later-byte-100-in-eight",
        "",
    ),
    both(Defect::HalfCode, "closing/payload-half-code", ""),
    both(Defect::AnyCode, "7.9.* closing/bad-code-*", ""),
    both(
        Defect::AnyReason,
        "7.5.1 closing/payload-cut-reason closing/payload-reason-begins-inside closing/payload-latin-1 closing/payload-surrogate closing/payload-overlong-nul closing/payload-beyond-last",
        "",
    ),
    both(
        Defect::CloseUnanswered,
        "1.1.1 7.1.1 closing/code-* closing/finish-after-close",
        "*",
    ),
    both(Defect::CodeNotEchoed, "1.1.1 7.7.1 closing/code-1000", "*"),
    server(Defect::KeepsTransport, "7.1.1 closing/code-*", "*"),
    both(
        Defect::PingsUnanswered,
        "2.1 2.2 2.10 chopping/in-two-ping",
        "*",
    ),
    both(Defect::PongsEmpty, "2.2 2.10 chopping/in-two-ping", "*"),
    both(
        Defect::TextUnchecked,
        "6.3.* 6.4.* 6.8.* 6.12.*",
        "6.* 7.5.1 deflate closing/crossing-bad-text",
    ),
    both(Defect::TextJudgedLate, "6.4.*", ""),
    both(
        Defect::JudgedLate,
        "limits/first-byte-* limits/later-byte-*",
        "6.4.* limits",
    ),
    server(
        Defect::PostAccepted,
        "server-handshake/first-line-post",
        "server-handshake/answer-post-with-long-body",
    ),
    server(
        Defect::OldHttpAccepted,
        "server-handshake/first-line-http-1-0",
        "",
    ),
    server(
        Defect::KeyUnchecked,
        "server-handshake/header-no-key server-handshake/header-empty-key server-handshake/header-key-of-one-character",
        "server-handshake/header-* server-handshake/answer-*",
    ),
    server(
        Defect::VersionUnchecked,
        "server-handshake/header-version-0 server-handshake/header-no-version",
        "server-handshake/header-*",
    ),
    both(
        Defect::ConnectionContains,
        "server-handshake/header-connection-no-upgrade-please server-handshake/header-connection-without-comma client-handshake/header-no-connection client-handshake/header-connection-no-upgrade-please",
        "client-handshake/header-empty-connection client-handshake/header-connection-keep-alive",
    ),
    server(
        Defect::ConnectionExact,
        "server-handshake/form-connection-list server-handshake/form-connection-list-without-spaces server-handshake/form-connection-empty-elements",
        "",
    ),
    server(
        Defect::ConnectionLastLine,
        "server-handshake/form-connection-first-line",
        "",
    ),
    server(
        Defect::UpgradeHasCase,
        "server-handshake/form-upgrade-mixed-case server-handshake/form-uppercase-values",
        "*",
    ),
    client(
        Defect::AcceptUnchecked,
        "client-handshake/header-no-accept client-handshake/header-empty-accept client-handshake/header-accept-of-one-character client-handshake/header-accept-of-another-key client-handshake/header-accept-4-kib",
        "client-handshake/header-*",
    ),
    client(
        Defect::SubprotocolUnchecked,
        "client-handshake/header-subprotocol-unasked client-handshake/header-subprotocol-empty client-handshake/header-subprotocol-list client-handshake/header-subprotocol-twice",
        "",
    ),
    client(
        Defect::ExtensionUnchecked,
        "client-handshake/header-extension-unasked client-handshake/header-extension-unasked-parameters client-handshake/header-deflate-unknown-parameter",
        "client-handshake/header-* deflate",
    ),
];
