//! Bad neighbours: kinds of misbehaving connections beside the measured ones.

use std::{fmt, str::FromStr};

use super::plan::InvalidPlan;

/// A kind of misbehaviour. Written as `flood`, `flood:200000`, `pings`, `pings:200000`, `deaf`,
/// `slow-head`, `slow-frame`, `half-close`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Neighbour {
    /// One connection sends messages without waiting for answers, and reads the answers.
    Flood(Pressure),
    /// One connection sends pings in the same way.
    Pings(Pressure),
    /// Ten connections send messages as long as their sockets accept any, and never read.
    Deaf,
    /// A hundred connections send their requests at one byte per second, and never finish.
    SlowHead,
    /// A hundred open connections send frames at one byte per second.
    SlowFrame,
    /// Twenty connections per second open, send one and a half messages, shut down their sending side,
    /// and wait for the end.
    HalfClose,
}

/// The rate of a flood.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pressure {
    /// As much as the server accepts.
    All,
    /// Messages per second, or fewer if the server does not accept them.
    Rate(f64),
}

impl Neighbour {
    /// One of each kind; floods without a limit and at 200 000 messages per second.
    pub const ALL: [Self; 8] = [
        Self::Flood(Pressure::All),
        Self::Flood(Pressure::Rate(200_000.0)),
        Self::Pings(Pressure::All),
        Self::Pings(Pressure::Rate(200_000.0)),
        Self::Deaf,
        Self::SlowHead,
        Self::SlowFrame,
        Self::HalfClose,
    ];

    /// Returns the number of connections.
    pub(super) const fn members(self) -> usize {
        match self {
            Self::Flood(_) | Self::Pings(_) => 1,
            Self::Deaf => 10,
            Self::SlowHead | Self::SlowFrame => 100,
            Self::HalfClose => 20,
        }
    }
}

impl FromStr for Neighbour {
    type Err = InvalidPlan;

    fn from_str(text: &str) -> Result<Self, InvalidPlan> {
        let (name, pressure) = match text.split_once(':') {
            None => (text, None),
            Some((name, rate)) => {
                let rate = rate.parse().ok();
                let rate = rate.filter(|rate: &f64| *rate > 0.0 && rate.is_finite());
                let pressure = rate.map(Pressure::Rate).ok_or(InvalidPlan::Neighbour)?;
                (name, Some(pressure))
            }
        };
        match (name, pressure) {
            ("flood", pressure) => Ok(Self::Flood(pressure.unwrap_or(Pressure::All))),
            ("pings", pressure) => Ok(Self::Pings(pressure.unwrap_or(Pressure::All))),
            ("deaf", None) => Ok(Self::Deaf),
            ("slow-head", None) => Ok(Self::SlowHead),
            ("slow-frame", None) => Ok(Self::SlowFrame),
            ("half-close", None) => Ok(Self::HalfClose),
            (_, _) => Err(InvalidPlan::Neighbour),
        }
    }
}

impl fmt::Display for Neighbour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, pressure) = match self {
            Self::Flood(pressure) => ("flood", *pressure),
            Self::Pings(pressure) => ("pings", *pressure),
            Self::Deaf => ("deaf", Pressure::All),
            Self::SlowHead => ("slow-head", Pressure::All),
            Self::SlowFrame => ("slow-frame", Pressure::All),
            Self::HalfClose => ("half-close", Pressure::All),
        };
        match pressure {
            Pressure::All => f.write_str(name),
            Pressure::Rate(rate) => write!(f, "{name}:{rate}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_read_as_they_are_written() {
        for neighbour in Neighbour::ALL {
            let text = neighbour.to_string();
            assert_eq!(text.parse::<Neighbour>().unwrap(), neighbour, "{text}");
        }
        for text in ["", "floods", "flood:", "flood:0", "flood:inf", "deaf:7"] {
            assert!(text.parse::<Neighbour>().is_err(), "{text}");
        }
    }
}
