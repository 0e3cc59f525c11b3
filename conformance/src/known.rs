//! Known verdicts: those that may differ from `OK`, with reasons.
//!
//! ```
//! use conformance::known::Known;
//!
//! let known: Known = r#"
//!     [[known]]
//!     agent = "websockets*"
//!     cases = ["7.1.5"]
//!     behavior = "FAILED"
//!     close = "OK"
//!     reason = "answers a Close frame inside a fragmented message as if the message had ended"
//! "#.parse().unwrap();
//! assert_eq!(known.entries.len(), 1);
//! ```

use std::{fmt, str::FromStr};

use serde::Deserialize;

use crate::{
    case::{Case, Role},
    cases,
    id::{Id, Pattern},
    report::{Agent, Report},
    verdict::{Behavior, BehaviorClose, Verdict},
};

/// A list of known verdicts.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// The first entry that matches counts.
    pub entries: Vec<Entry>,
}

/// The known verdicts on some cases.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The name of the agent, with `*` for any characters. `None`: every agent.
    pub agent: Option<String>,
    /// The role; `None`: both.
    pub role: Option<Role>,
    /// The selection of cases.
    pub cases: Vec<Pattern>,
    /// The verdicts on the behaviour that may occur. Several, if that depends on timing.
    pub behavior: Vec<Behavior>,
    /// The verdicts on the closing that may occur.
    pub close: Vec<BehaviorClose>,
    /// The reason.
    pub reason: String,
}

/// A difference between a run and the known verdicts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Surprise {
    /// A verdict other than `OK` that is not listed.
    Unlisted(Verdict),
    /// A verdict that is better than the listed ones.
    Improved(Verdict),
    /// A verdict that differs from the listed ones.
    Changed(Verdict),
    /// The subjects of one role do not agree, although they share the code that decides.
    Disagreement(Vec<(String, Verdict)>),
}

impl fmt::Display for Surprise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unlisted(verdict) => write!(f, "{verdict}, which is not known"),
            Self::Improved(verdict) => {
                write!(f, "{verdict}, better than known: take it off the list")
            }
            Self::Changed(verdict) => write!(f, "{verdict}, other than known"),
            Self::Disagreement(verdicts) => {
                f.write_str("no agreement:")?;
                for (at, (agent, verdict)) in verdicts.iter().enumerate() {
                    let comma = if at == 0 { "" } else { "," };
                    write!(f, "{comma} {agent} {verdict}")?;
                }
                Ok(())
            }
        }
    }
}

impl Known {
    /// Compares a run with the known verdicts. The name beside each surprise is that of the agent,
    /// or empty if it concerns several.
    #[must_use]
    pub fn surprises(&self, report: &Report<'_>) -> Vec<(String, Id, Surprise)> {
        let mut surprises = Vec::new();
        for agent in &report.agents {
            for (id, outcome) in agent.outcomes {
                if let Some(surprise) = self.surprise(agent, id, outcome.verdict) {
                    surprises.push((agent.name.clone(), id.clone(), surprise));
                }
            }
        }
        surprises
    }

    /// The entry about a case, if there is one.
    #[must_use]
    pub fn entry(&self, agent: &str, role: Role, id: &Id) -> Option<&Entry> {
        self.entries
            .iter()
            .find(|entry| entry.is_about(agent, role, id))
    }

    fn surprise(&self, agent: &Agent<'_>, id: &Id, verdict: Verdict) -> Option<Surprise> {
        // Without a right answer there is nothing to compare.
        if verdict == Verdict::INFORMATIONAL {
            return None;
        }
        let Some(entry) = self.entry(&agent.name, agent.role, id) else {
            return (verdict != Verdict::OK).then_some(Surprise::Unlisted(verdict));
        };
        if entry.behavior.contains(&verdict.behavior) && entry.close.contains(&verdict.close) {
            return None;
        }
        let worst = Verdict {
            behavior: entry.behavior.iter().copied().max()?,
            close: entry.close.iter().copied().max()?,
        };
        Some(
            if verdict.behavior <= worst.behavior && verdict.close <= worst.close {
                Surprise::Improved(verdict)
            } else {
                Surprise::Changed(verdict)
            },
        )
    }
}

/// Cases on which agents of one role do not agree.
#[must_use]
pub fn disagreements(report: &Report<'_>) -> Vec<(String, Id, Surprise)> {
    let mut surprises = Vec::new();
    for case in report.cases {
        for role in [Role::Client, Role::Server] {
            let verdicts: Vec<_> = report
                .agents
                .iter()
                .filter(|agent| agent.role == role)
                .filter_map(|agent| {
                    Some((agent.name.clone(), agent.outcomes.get(&case.id)?.verdict))
                })
                .collect();
            if verdicts.windows(2).any(|pair| pair[0].1 != pair[1].1) {
                surprises.push((
                    String::new(),
                    case.id.clone(),
                    Surprise::Disagreement(verdicts),
                ));
            }
        }
    }
    surprises
}

impl Entry {
    fn is_about(&self, agent: &str, role: Role, id: &Id) -> bool {
        self.role.is_none_or(|only| only == role)
            && self
                .agent
                .as_ref()
                .is_none_or(|pattern| fits(pattern, agent))
            && self.cases.iter().any(|pattern| pattern.matches(id))
    }
}

/// Returns true if a text matches a pattern in which `*` stands for any characters.
fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            ends.into_iter().any(|at| fits(rest, &text[at..]))
        }),
    }
}

/// An invalid file of known verdicts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadKnown(String);

impl fmt::Display for BadKnown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadKnown {}

impl FromStr for Known {
    type Err = BadKnown;

    fn from_str(text: &str) -> Result<Self, BadKnown> {
        let file: File = toml::from_str(text).map_err(|error| BadKnown(error.to_string()))?;
        let all = cases::all();
        let entries = file.known.into_iter().map(|entry| entry.read(&all));
        Ok(Self {
            entries: entries.collect::<Result<_, _>>()?,
        })
    }
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    known: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    agent: Option<String>,
    role: Option<Role>,
    cases: Vec<String>,
    behavior: OneOrMore<Behavior>,
    #[serde(default = "ok")]
    close: OneOrMore<BehaviorClose>,
    reason: String,
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected a verdict in Autobahn's words, or a list of them"
)]
enum OneOrMore<T> {
    One(T),
    More(Vec<T>),
}

fn ok() -> OneOrMore<BehaviorClose> {
    OneOrMore::One(BehaviorClose::Ok)
}

impl<T> From<OneOrMore<T>> for Vec<T> {
    fn from(written: OneOrMore<T>) -> Self {
        match written {
            OneOrMore::One(one) => vec![one],
            OneOrMore::More(more) => more,
        }
    }
}

impl Written {
    fn read(self, all: &[Case]) -> Result<Entry, BadKnown> {
        let (behavior, close) = (Vec::from(self.behavior), Vec::from(self.close));
        if self.cases.is_empty() || behavior.is_empty() || close.is_empty() {
            return Err(BadKnown(format!("an empty list beside {:?}", self.reason)));
        }
        if self.reason.trim().is_empty() {
            return Err(BadKnown(format!("no reason for {}", self.cases.join(", "))));
        }
        let patterns: Vec<_> = self.cases.iter().map(Pattern::new).collect();
        for (text, pattern) in self.cases.iter().zip(&patterns) {
            if !all.iter().any(|case| pattern.matches(&case.id)) {
                let groups = cases::group_names();
                return Err(BadKnown(format!(
                    "no case and no group is named {text:?}; the groups are {groups}"
                )));
            }
        }
        Ok(Entry {
            agent: self.agent,
            role: self.role,
            cases: patterns,
            behavior,
            close,
            reason: self.reason,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        time::{Duration, SystemTime},
    };

    use super::*;
    use crate::{
        handshake::Heads,
        log::Log,
        outcome::{Ending, Outcome},
    };

    fn outcome(behavior: Behavior, close: BehaviorClose) -> Outcome {
        Outcome {
            verdict: Verdict { behavior, close },
            reasons: Vec::new(),
            started: SystemTime::UNIX_EPOCH,
            duration: Duration::ZERO,
            expected: Vec::new(),
            closing: None,
            events: Vec::new(),
            heads: Heads::default(),
            ending: Ending::default(),
            log: Log::default(),
        }
    }

    fn outcomes(verdicts: &[(&str, Behavior, BehaviorClose)]) -> BTreeMap<Id, Outcome> {
        let entry = |(id, behavior, close): &(&str, Behavior, BehaviorClose)| {
            (id.parse().expect("an id"), outcome(*behavior, *close))
        };
        verdicts.iter().map(entry).collect()
    }

    const KNOWN: &str = r#"
        [[known]]
        agent = "lib*"
        role = "server"
        cases = ["7.1.5"]
        behavior = "FAILED"
        reason = "its authors want it so"

        [[known]]
        cases = ["3.*"]
        behavior = ["OK", "NON-STRICT"]
        reason = "depends on time"

        [[known]]
        cases = ["7.3.1"]
        behavior = "OK"
        close = ["UNCLEAN", "WRONG CODE", "FAILED BY CLIENT"]
        reason = "nobody knows"
    "#;

    #[test]
    fn only_what_is_known_may_be_other_than_ok() {
        use self::{Behavior as B, BehaviorClose as C};
        let known: Known = KNOWN.parse().expect("it is right");
        let unlisted = |behavior, close| Some(Surprise::Unlisted(Verdict { behavior, close }));
        let improved = |behavior, close| Some(Surprise::Improved(Verdict { behavior, close }));
        let changed = |behavior, close| Some(Surprise::Changed(Verdict { behavior, close }));
        let informational = (B::Informational, C::Informational);
        for (agent, id, (behavior, close), expected) in [
            ("any", "1.1.1", (B::Ok, C::Ok), None),
            (
                "any",
                "1.1.1",
                (B::NonStrict, C::Ok),
                unlisted(B::NonStrict, C::Ok),
            ),
            (
                "any",
                "1.1.1",
                (B::Ok, C::Unclean),
                unlisted(B::Ok, C::Unclean),
            ),
            ("any", "1.1.1", informational, None),
            ("lib 1.0", "7.1.5", (B::Failed, C::Ok), None),
            ("lib 1.0", "7.1.5", (B::Ok, C::Ok), improved(B::Ok, C::Ok)),
            (
                "lib 1.0",
                "7.1.5",
                (B::NonStrict, C::Ok),
                improved(B::NonStrict, C::Ok),
            ),
            (
                "lib 1.0",
                "7.1.5",
                (B::Failed, C::Failed),
                changed(B::Failed, C::Failed),
            ),
            (
                "other",
                "7.1.5",
                (B::Failed, C::Ok),
                unlisted(B::Failed, C::Ok),
            ),
            ("any", "3.1", (B::Ok, C::Ok), None),
            ("any", "3.2", (B::NonStrict, C::Ok), None),
            ("any", "3.2", (B::Failed, C::Ok), changed(B::Failed, C::Ok)),
            ("any", "7.3.1", (B::Ok, C::Unclean), None),
            ("any", "7.3.1", (B::Ok, C::FailedByClient), None),
            ("any", "7.3.1", (B::Ok, C::Ok), improved(B::Ok, C::Ok)),
        ] {
            let outcomes = outcomes(&[(id, behavior, close)]);
            let report = Report {
                cases: &[],
                agents: vec![Agent {
                    name: agent.to_owned(),
                    role: Role::Server,
                    outcomes: &outcomes,
                }],
            };
            let surprises = known.surprises(&report);
            let surprise = surprises.first().map(|(_, _, surprise)| surprise.clone());
            assert_eq!(surprise, expected, "{agent} {id} {behavior} / {close}");
        }
    }

    #[test]
    fn an_entry_is_about_one_role_if_it_names_one() {
        let known: Known = KNOWN.parse().expect("it is right");
        let id = Id::from(&[7, 1, 5]);
        assert!(known.entry("lib", Role::Server, &id).is_some());
        assert!(known.entry("lib", Role::Client, &id).is_none());
    }

    #[test]
    fn agents_of_one_role_disagree_where_their_verdicts_differ() {
        let cases: Vec<_> = cases::all().into_iter().take(2).collect();
        let right = ("1.1.1", Behavior::Ok, BehaviorClose::Ok);
        let first = outcomes(&[right, ("1.1.2", Behavior::Ok, BehaviorClose::Ok)]);
        let second = outcomes(&[right, ("1.1.2", Behavior::NonStrict, BehaviorClose::Ok)]);
        let agent = |name: &str, role, outcomes| Agent {
            name: name.to_owned(),
            role,
            outcomes,
        };
        let differing = |second_role| {
            let report = Report {
                cases: &cases,
                agents: vec![
                    agent("a", Role::Server, &first),
                    agent("b", second_role, &second),
                ],
            };
            let ids = disagreements(&report).into_iter().map(|(_, id, _)| id);
            ids.map(|id| id.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(differing(Role::Server), ["1.1.2"]);
        assert!(differing(Role::Client).is_empty());
    }

    #[test]
    fn slips_are_found_before_anything_runs() {
        for (text, why) in [
            ("[[known]]\ncases = [\"7.1.5\"]", "behavior"),
            (
                "[[known]]\ncases = [\"7.1.5\"]\nbehavior = \"WRONG\"\nreason = \"r\"",
                "verdict",
            ),
            (
                "[[known]]\ncases = [\"7.77\"]\nbehavior = \"OK\"\nreason = \"r\"",
                "7.77",
            ),
            (
                "[[known]]\ncases = []\nbehavior = \"OK\"\nreason = \"r\"",
                "empty",
            ),
            (
                "[[known]]\ncases = [\"7.1.5\"]\nbehavior = \"OK\"\nreason = \" \"",
                "reason",
            ),
            ("[[known]]\nagents = \"x\"", "agents"),
        ] {
            let error = text.parse::<Known>().expect_err(text).to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn stars_in_names_of_agents_stand_for_anything() {
        for (pattern, text, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("*b", "aab", true),
            ("a*c*", "abcd", true),
            ("a*c", "abcd", false),
            ("*", "", true),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }
}
