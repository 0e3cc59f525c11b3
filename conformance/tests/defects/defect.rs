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
        "2.10 22.1.9 22.5.* 22.6.* 27.2.3",
        "*",
    ),
    both(Defect::NeverResumes, "27.2.1", "23.6.4 25.4.4"),
    both(
        Defect::EndOvertakes,
        "25.6.* 25.7.10 25.7.11",
        "20.7.5 28.3.3 28.6.3",
    ),
    both(Defect::EarlyDataLost, "28.1.* 28.4.*", "21.2.* 28.*"),
    both(Defect::PongEndsMessage, "22.1.7 22.2.7", "24.2.9 26.1.3"),
    both(Defect::NewReplacesOld, "5.18 23.3.27 23.3.28", ""),
    both(Defect::ControlInHistory, "24.2.8 24.2.9", ""),
    both(
        Defect::CompressedSticks,
        "24.2.2 24.2.3 24.2.4 24.2.5 24.2.6 24.2.7",
        "24.2.* 24.12.*",
    ),
    both(
        Defect::TakeoverForgotten,
        "24.1.8 24.2.1 24.2.2 24.9.1",
        "24.*",
    ),
    server(
        Defect::WindowNotEchoed,
        "24.9.1 24.9.2 24.9.3",
        "20.2.* 24.*",
    ),
    server(Defect::BitsWithoutValueDeclined, "24.1.1 24.1.2", "24.*"),
    server(
        Defect::UnknownExtensionRefused,
        "20.2.3 20.2.4 20.2.5 20.2.8",
        "24.12.* 24.13.*",
    ),
    server(Defect::RefusalUnanswered, "20.3.* 20.4.*", "20.*"),
    both(
        Defect::CloseOvertakes,
        "25.4.1 25.4.2 25.4.3 25.4.4 25.6.2 25.6.3",
        "3.2 4.* 5.15 22.7.* 25.4.5 25.6.4 28.3.* 28.6.*",
    ),
    both(Defect::DataAfterClose, "25.5.1", "*"),
    both(
        Defect::UnreadResets,
        "25.5.1 25.5.3 25.5.4 25.5.5 25.5.6 25.5.7",
        "7.1.* 20.7.* 25.5.* 26.4.*",
    ),
    both(
        Defect::Disorder,
        "22.5.1 27.2.3",
        "21.1.12 22.5.* 24.2.* 24.4.21 25.4.2 28.*",
    ),
    both(
        Defect::TopBit,
        "23.1.13 23.1.14 23.1.15 23.5.1",
        "23.1.10 23.1.11 23.1.12",
    ),
    both(
        Defect::LengthUnlimited,
        "23.1.4 23.1.5 23.1.6 23.5.4 23.6.2 23.7.2",
        "23.1.* 23.6.3 23.7.3",
    ),
    both(Defect::SumUncounted, "23.6.2 23.6.3", ""),
    both(Defect::FragmentsUncounted, "23.8.4 23.8.6", ""),
    both(Defect::InflatedUnlimited, "24.8.3 24.8.4", "24.8.*"),
    both(Defect::PongsUnbounded, "27.1.1", ""),
    both(Defect::OldestPongsWin, "27.1.1", "27.1.2"),
    both(Defect::OutputUnbounded, "27.2.1", ""),
    both(Defect::HeadUnlimited, "20.8.3 21.7.3", "20.8.* 21.7.*"),
    both(Defect::NoOpeningDeadline, "20.8.11 21.7.7", "20.8.* 21.7.*"),
    both(Defect::NoCloseDeadline, "26.4.2 26.4.3 26.4.4", "26.4.1"),
    both(Defect::NoWriteDeadline, "26.5.1", ""),
    both(Defect::NoPings, "26.1.* 26.2.1", ""),
    both(Defect::NoPongDeadline, "26.2.1", ""),
    both(Defect::NoIdleDeadline, "26.3.1 26.3.3", "26.4.2 26.4.3"),
    both(
        Defect::MaskIgnored,
        "23.4.10 23.4.11 23.4.12 23.4.13 23.4.14 23.4.15",
        "",
    ),
    both(
        Defect::LongControl,
        "2.5 7.3.6 23.4.1 23.4.4 23.4.7",
        "23.4.* 25.3.13 25.9.3",
    ),
    both(Defect::FragmentedControl, "5.1 23.3.22 23.3.23 23.3.24", ""),
    both(
        Defect::ReservedBits,
        "3.1 3.2 3.3 3.4 3.5 3.6 23.3.1 23.3.11",
        "23.3.* 28.3.5 28.6.5",
    ),
    both(
        Defect::ReservedBitsUnderCompression,
        "24.5.8 24.5.9",
        "24.5.*",
    ),
    both(
        Defect::CompressedContinuation,
        "24.5.1 24.5.2 24.5.3",
        "24.5.*",
    ),
    both(
        Defect::ReservedOpcodes,
        "4.* 23.3.12 23.3.21",
        "23.3.* 25.9.1 26.4.1",
    ),
    both(
        Defect::StrayContinuation,
        "5.9 5.10 5.11 23.3.25 23.3.26",
        "5.17",
    ),
    both(
        Defect::LongLengths,
        "23.2.1.* 23.2.2.* 23.2.3.* 23.5.2 23.5.3",
        "",
    ),
    both(Defect::HalfCode, "25.3.12", ""),
    both(Defect::AnyCode, "7.9.* 25.2.*", ""),
    both(
        Defect::AnyReason,
        "7.5.1 25.3.6 25.3.7 25.3.8 25.3.9 25.3.10 25.3.11",
        "",
    ),
    both(Defect::CloseUnanswered, "1.1.1 7.1.1 25.1.* 25.6.1", "*"),
    both(Defect::CodeNotEchoed, "1.1.1 7.7.1 25.1.1", "*"),
    server(Defect::KeepsTransport, "7.1.1 25.1.*", "*"),
    both(Defect::PingsUnanswered, "2.1 2.2 2.10 22.1.4", "*"),
    both(Defect::PongsEmpty, "2.2 2.10 22.1.4", "*"),
    both(
        Defect::TextUnchecked,
        "6.3.* 6.4.* 6.8.* 6.12.*",
        "6.* 7.5.1 24.* 25.9.2",
    ),
    both(Defect::TextJudgedLate, "6.4.*", ""),
    both(Defect::JudgedLate, "23.3.* 23.5.*", "6.4.* 23.*"),
    server(Defect::PostAccepted, "20.3.1", "20.7.1"),
    server(Defect::OldHttpAccepted, "20.3.7", ""),
    server(
        Defect::KeyUnchecked,
        "20.4.18 20.4.19 20.4.20",
        "20.4.* 20.7.*",
    ),
    server(Defect::VersionUnchecked, "20.4.32 20.4.41", "20.4.*"),
    both(
        Defect::ConnectionContains,
        "20.4.16 20.4.17 21.4.6 21.4.9",
        "21.4.7 21.4.8",
    ),
    server(Defect::ConnectionExact, "20.1.7 20.1.8 20.1.9", ""),
    server(Defect::ConnectionLastLine, "20.1.11", ""),
    server(Defect::UpgradeHasCase, "20.1.5 20.1.6", "*"),
    client(
        Defect::AcceptUnchecked,
        "21.4.11 21.4.12 21.4.13 21.4.14 21.4.22",
        "21.4.*",
    ),
    client(
        Defect::SubprotocolUnchecked,
        "21.4.27 21.4.28 21.4.29 21.4.30",
        "",
    ),
    client(
        Defect::ExtensionUnchecked,
        "21.4.31 21.4.32 21.4.38",
        "21.4.* 24.*",
    ),
];
