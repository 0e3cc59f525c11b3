//! Defects that show on the wire alone: a sound peer, of which something is changed as it is sent.

use super::Defect;
use crate::{
    case::Role,
    frame::{Frame, Length, opcode},
};

/// Something that leaves in the place of a frame.
pub(super) enum Sent {
    Frame(Frame),
    /// The end of the transport.
    End,
    /// A reset of the transport.
    Reset,
}

impl From<Frame> for Sent {
    fn from(frame: Frame) -> Self {
        Self::Frame(frame)
    }
}

/// Returns what a peer with that defect sends in the place of a frame.
pub(super) fn frames(defect: Defect, frame: Frame) -> Vec<Sent> {
    match frame.opcode {
        opcode::CLOSE => closes(defect, frame),
        opcode::PONG => pongs(defect, frame),
        opcode::CONTINUATION | opcode::TEXT | opcode::BINARY => messages(defect, frame),
        _ => vec![frame.into()],
    }
}

fn messages(defect: Defect, frame: Frame) -> Vec<Sent> {
    let more = |bytes: &[u8]| [&frame.payload[..], bytes].concat();
    let one = |change: &dyn Fn(&mut Frame)| {
        let mut frame = frame.clone();
        change(&mut frame);
        vec![frame.into()]
    };
    let close = |code: u16| vec![Frame::close(code, "").into()];
    match defect {
        Defect::NoEcho => Vec::new(),
        Defect::OtherType => {
            one(&|frame| frame.opcode = opcode::TEXT + opcode::BINARY - frame.opcode)
        }
        Defect::Shorter => one(&|frame| {
            frame.payload.pop();
        }),
        Defect::Longer => one(&|frame| frame.payload.push(b'!')),
        Defect::OtherByte => one(&|frame| {
            if let Some(last) = frame.payload.last_mut() {
                *last = b'?';
            }
        }),
        Defect::Twice => vec![frame.clone().into(), frame.into()],
        Defect::Fragments => fragments(frame),
        Defect::NotUtf8 => one(&|frame| frame.payload.push(0xff)),
        Defect::NotUtf8InTwo => {
            let first = Frame {
                payload: more(b"\xff"),
                ..frame
            };
            let second = Frame::new(opcode::CONTINUATION, "x");
            vec![first.unfinished().into(), second.into()]
        }
        Defect::CutUtf8 => one(&|frame| frame.payload.push(0xc3)),
        Defect::NeverFinal => one(&|frame| frame.fin = false),
        Defect::OnlyContinuations => one(&|frame| frame.opcode = opcode::CONTINUATION),
        Defect::MessageInMessage => vec![frame.clone().unfinished().into(), frame.into()],
        Defect::ReservedDataOpcode => one(&|frame| frame.opcode = 0x5),
        Defect::OtherRsv1 => one(&|frame| frame.reserved ^= 4),
        Defect::Rsv3 => one(&|frame| frame.reserved |= 1),
        Defect::LongLength => one(&|frame| {
            if frame.payload.len() < 1 << 16 {
                frame.length = Length::Eight;
            }
        }),
        Defect::EndForEcho => vec![Sent::End],
        Defect::ResetForEcho => vec![Sent::Reset],
        Defect::CloseForEcho => close(1000),
        Defect::Close1001ForEcho => close(1001),
        Defect::PongBeforeEcho => vec![Frame::new(opcode::PONG, "unasked").into(), frame.into()],
        Defect::PingBeforeEcho => vec![Frame::new(opcode::PING, "asked").into(), frame.into()],
        _ => vec![frame.into()],
    }
}

/// A message in fragments of ten bytes, with a ping behind the first.
fn fragments(frame: Frame) -> Vec<Sent> {
    let mut pieces = frame.payload.chunks(10);
    let first = Frame {
        payload: pieces.next().unwrap_or_default().to_vec(),
        ..frame.clone()
    };
    let ping = Frame::new(opcode::PING, "between");
    let rest = pieces.map(|piece| Frame::new(opcode::CONTINUATION, piece).unfinished());
    let last = Frame::new(opcode::CONTINUATION, "");
    let frames = [first.unfinished(), ping]
        .into_iter()
        .chain(rest)
        .chain([last]);
    frames.map(Sent::from).collect()
}

fn pongs(defect: Defect, frame: Frame) -> Vec<Sent> {
    let mut changed = frame.clone();
    match defect {
        Defect::PongTwice => return vec![frame.clone().into(), frame.into()],
        Defect::OtherPong => changed.payload.push(b'!'),
        Defect::LongPong => {
            let len = changed.payload.len().max(126);
            changed.payload.resize(len, b' ');
        }
        Defect::PongInFragments => changed.fin = false,
        Defect::ReservedControlOpcode => changed.opcode = 0xb,
        Defect::PingForPong => changed.opcode = opcode::PING,
        _ => {}
    }
    vec![changed.into()]
}

fn closes(defect: Defect, frame: Frame) -> Vec<Sent> {
    let with = |payload: &[u8]| vec![Frame::new(opcode::CLOSE, payload).into()];
    let code = |code: u16| vec![Frame::close(code, "").into()];
    match defect {
        Defect::NoClose => Vec::new(),
        Defect::EndForClose => vec![Sent::End],
        Defect::ResetForClose => vec![Sent::Reset],
        Defect::CloseEmpty => with(b""),
        Defect::CloseOneByte => with(b"x"),
        Defect::Close1001 => code(1001),
        Defect::Close1002 => code(1002),
        Defect::Close1005 => code(1005),
        Defect::Close1007 => code(1007),
        Defect::Close3000 => code(3000),
        Defect::Close5000 => code(5000),
        Defect::CloseWithReason => vec![Frame::close(1000, "as you like").into()],
        Defect::CloseNotUtf8 => with(b"\x03\xe8\xff"),
        Defect::CloseFragment => vec![frame.unfinished().into()],
        Defect::CloseTwice => vec![frame.clone().into(), frame.into()],
        Defect::EchoBehindClose => vec![frame.into(), Frame::text("late").into()],
        Defect::PongBehindClose => vec![frame.into(), Frame::new(opcode::PONG, "late").into()],
        _ => vec![frame.into()],
    }
}

/// Returns the head that a peer with that defect sends in the place of a proper one.
pub(super) fn head(defect: Option<Defect>, role: Role, head: String) -> String {
    let Some(defect) = defect else { return head };
    let (from, to) = match (role, defect) {
        (_, Defect::OldHttp) => ("HTTP/1.1", "HTTP/1.0"),
        (_, Defect::NoUpgrade) => ("\r\nUpgrade:", "\r\nX-Upgrade:"),
        (_, Defect::NoConnection) => ("\r\nConnection:", "\r\nX-Connection:"),
        (Role::Server, Defect::Status200) => (" 101 ", " 200 "),
        (Role::Server, Defect::NoAccept) => ("\r\nSec-WebSocket-Accept:", "\r\nX-Accept:"),
        (Role::Server, Defect::OtherAccept) => {
            ("Sec-WebSocket-Accept: ", "Sec-WebSocket-Accept: 0")
        }
        (Role::Server, Defect::TwoAccepts) => ("\r\n\r\n", "\r\nSec-WebSocket-Accept: x\r\n\r\n"),
        (Role::Server, Defect::UnaskedExtension) => {
            ("\r\n\r\n", "\r\nSec-WebSocket-Extensions: x-none\r\n\r\n")
        }
        (Role::Server, Defect::UnaskedProtocol) => {
            ("\r\n\r\n", "\r\nSec-WebSocket-Protocol: x-none\r\n\r\n")
        }
        (Role::Client, Defect::Post) => ("GET ", "POST "),
        (Role::Client, Defect::NoHost) => ("\r\nHost:", "\r\nX-Host:"),
        (Role::Client, Defect::NoKey) => ("\r\nSec-WebSocket-Key:", "\r\nX-Key:"),
        (Role::Client, Defect::ShortKey) => {
            ("Sec-WebSocket-Key: ", "Sec-WebSocket-Key: A==\r\nX-Key: ")
        }
        (Role::Client, Defect::NoVersion) => ("\r\nSec-WebSocket-Version:", "\r\nX-Version:"),
        (Role::Client, Defect::OtherVersion) => ("Version: 13", "Version: 14"),
        _ => return head,
    };
    head.replacen(from, to, 1)
}
