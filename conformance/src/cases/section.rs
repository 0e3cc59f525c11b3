//! Cases of a group whose names share a prefix.

use std::{borrow::Cow, fmt};

use crate::{
    case::{Case, Plan, Role},
    id::Id,
    opening::{Draft, Grade, Opening},
};

/// A sentence about an allowed behaviour other than the preferred one.
pub(super) fn allowance(what: &str, grade: Grade) -> String {
    match grade {
        Grade::Right => format!(" {what} is as right."),
        Grade::Tolerated => format!(" {what} is tolerated."),
        Grade::Wrong => String::new(),
    }
}

/// The cases of one section of a group.
pub(super) struct Section {
    group: &'static str,
    /// The start of the names of its cases.
    prefix: &'static str,
    role: Option<Role>,
    cases: Vec<Case>,
}

impl Section {
    /// Begins a section whose cases are for that role, or for both.
    pub(super) fn new(group: &'static str, prefix: &'static str, role: Option<Role>) -> Self {
        Self {
            group,
            prefix,
            role,
            cases: Vec::new(),
        }
    }

    /// Adds a case.
    pub(super) fn add(
        &mut self,
        name: impl fmt::Display,
        description: impl Into<Cow<'static, str>>,
        expectation: impl Into<Cow<'static, str>>,
        plan: impl Into<Plan>,
    ) -> &mut Case {
        let at = self.cases.len();
        let id = Id::slug(self.group, &format!("{}-{name}", self.prefix));
        let mut case = Case::new(id, description, expectation, plan);
        case.role = self.role;
        self.cases.push(case);
        &mut self.cases[at]
    }

    /// Adds a head that the subject has to take, or may refuse.
    pub(super) fn opens(
        &mut self,
        name: &str,
        what: &str,
        why: &str,
        otherwise: Grade,
        draft: Draft,
    ) -> &mut Case {
        let does = match self.role {
            Some(Role::Client) => "Answers with a response",
            Some(Role::Server) | None => "Sends a request",
        };
        self.add(
            name,
            format!("{does} {what}."),
            format!(
                "The connection opens and echoes: {why}.{}",
                allowance("Refusing it", otherwise)
            ),
            Opening::opens(draft).otherwise(otherwise),
        )
    }

    /// Its cases, in order.
    pub(super) fn into_cases(self) -> Vec<Case> {
        self.cases
    }
}
