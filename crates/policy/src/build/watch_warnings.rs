//! What is allowed of detectors and alerts but most likely not meant.

use ratewarden_model::rules;

use super::Builder;
use crate::file::{self, File};
use crate::notes::{Place, short};
use crate::policy::Policy;
use crate::suggestion::did_you_mean;
use crate::table::Field;

impl Builder<'_> {
    pub(super) fn warn_of_watching(&mut self, file: &File, policy: &Policy) {
        self.warn_of_idle_detectors(file);
        self.warn_of_bans(file, policy);
        self.warn_of_alerts(file, policy);
    }

    /// A table with the name of a built-in detector and nothing else.
    fn warn_of_idle_detectors(&mut self, file: &File) {
        let root = Place::Root.key("detector");
        for at in file.detectors.value().map_or(&[][..], |many| &many.0) {
            let table = &at.value;
            let says = [
                matches!(table.enabled, Field::Is(_)),
                table.matches.is_written(),
                table.per.is_written(),
                table.severity.is_written(),
                table.spread.is_written(),
                table.ban.is_written(),
                !file::kinds(table).is_empty(),
            ];
            if !says.contains(&true) {
                self.notes.warning(&at.span, &root.item(at.index), "nothing of it is changed");
            }
        }
    }

    fn warn_of_bans(&mut self, file: &File, policy: &Policy) {
        let Some(watch) = file.watch.value() else { return };
        let place = Place::Root.key("watch");
        match (watch.penalties.get(), policy.bans.is_empty()) {
            (Some(penalties), true) => {
                let draft =
                    self.notes.warning(&penalties.span, &place.key("penalties"), "no detector bans anybody");
                draft.hint("add `ban = \"10m\"` to a [[detector]]");
            }
            // A gateway places them in itself.
            (None, false) if policy.gateway.is_none() => self.warn_of_bans_nowhere(file),
            _ => {}
        }
        let everybody = watch.never_ban.value().map_or(&[][..], |many| &many.0).iter().filter(
            |at| matches!(&at.value, crate::words::Exempt::Network(network) if network.prefix() == 0),
        );
        for at in everybody {
            let place = place.key("never-ban");
            self.notes.warning(&at.span, &place.item(at.index), "everybody is spared, so nobody is banned");
        }
    }

    fn warn_of_bans_nowhere(&mut self, file: &File) {
        let root = Place::Root.key("detector");
        for at in file.detectors.value().map_or(&[][..], |many| &many.0) {
            let Some(ban) = at.value.ban.get() else { continue };
            let message = "is only told of: nothing says where bans are placed";
            let draft = self.notes.warning(&ban.span, &root.item(at.index).key("ban"), message);
            draft.hint("add `penalties = { file = \"bans.ndjson\" }`, or a gateway's `admin`, to [watch]");
        }
    }

    fn warn_of_alerts(&mut self, file: &File, policy: &Policy) {
        let Some(list) = file.alert.get() else { return };
        let root = Place::Root.key("alert");
        if !policy.alerts.receivers.is_empty() && policy.watch.state.is_none() {
            let message = "without `watch.state` a restart forgets what was not delivered yet";
            self.notes.warning(&list.span, &root, message).hint("add `state = \"state\"` to [watch]");
        }
        let own = policy.detectors.iter().map(|detector| detector.rule.as_str());
        let known: Vec<&str> = rules::ALL.iter().chain(rules::ABUSE).map(|rule| rule.id).chain(own).collect();
        for alert in &list.value.0 {
            for rule in alert.value.rules.value().map_or(&[][..], |many| &many.0) {
                if known.iter().any(|known| rule.value.fits(known)) {
                    continue;
                }
                let hint = did_you_mean(&rule.value.0, known.iter().copied());
                let message = format!("there is no rule `{}`", short(&rule.value.0));
                let alert = root.item(alert.index);
                let place = alert.key("rules");
                self.notes.warning(&rule.span, &place.item(rule.index), message).hint_if(hint);
            }
        }
    }
}
