//! What to change so that the next call is taken: one sentence for each code, in the words of who sends.

use super::code::Code;

impl Code {
    /// What to change, as one sentence. A new code does not compile until it has one.
    pub const fn fix(self) -> &'static str {
        match self {
            Self::InvalidJson => {
                "Send one complete JSON object in UTF-8, with a matching Content-Encoding when it is compressed."
            }
            Self::PayloadTooLarge => "Send smaller bodies: a message of at most 32 KB, a batch of at most 500 KB.",
            Self::MissingWriteKey => {
                "Give the SDK the write key of a source: as Basic user name, or as `writeKey` in the body."
            }
            Self::UnknownWriteKey | Self::UnknownSource => {
                "Copy the write key of a source of this server into the SDK; a rotated key is unknown at once."
            }
            Self::UnsupportedEncoding => {
                "Compress with gzip or deflate, or not at all, and name it in Content-Encoding."
            }
            Self::BadSignature => {
                "Set the same signing secret in the sending workspace as in this source, and send the signed body unchanged."
            }
            Self::RateLimited => {
                "Send less often, in batches, or raise the limit of this kind of source in `[http]`; the SDK tries again by itself."
            }
            Self::Unavailable => {
                "Look at disk and journal of this server; the SDK tries the same call again, and it counts once."
            }
            Self::SourceDisabled => "Enable the source, or stop what still sends with its key.",
            Self::EmptyBatch => {
                "Put at least one message into the list `batch`, or do not send when there is nothing to send."
            }
            Self::EmptyBatchResult => {
                "Look at the rejections of the single messages of this batch: each has its own fix."
            }
            Self::MultiUserError => "Look at the rejected messages of this batch: the others were stored.",
            Self::BatchTooMany => "Send at most 2,500 messages in one batch.",
            Self::WriteKeyConflict => "Use one write key: the one of the header counted, the one in the body did not.",
            Self::AuthorizationIgnored => {
                "Write the Authorization header as `Basic`, then base64 of the write key and a colon; or leave it out."
            }
            Self::InvalidMessage => "Make each item of `batch` a JSON object.",
            Self::UnknownType => "Set `type` to identify, track, page, screen, group or alias.",
            Self::MessageTooLarge => "Send less in one message: at most 32 KB with its context.",
            Self::TooDeep => "Flatten traits, properties and context: at most 64 levels.",
            Self::InvalidNumber => "Send finite numbers only: no Infinity, no NaN, nothing beyond what a double holds.",
            Self::NoUserAnonId => "Add `userId` or `anonymousId`; an empty text or null counts as none.",
            Self::IdRequired => "An alias needs `userId` (the new id) and `previousId` (the old one).",
            Self::IdNotString => "Send ids as text of at most 1,024 bytes, without NUL.",
            Self::GroupIdRequired => "Add `groupId` to the group call.",
            Self::TraitsNotObject => "Send `traits` as an object, not as a list or text.",
            Self::PropertiesNotObject => "Send `properties` as an object, not as a list or text.",
            Self::EventNotDefined => "Add `event`, the name of what happened, to the track call.",
            Self::EventNotString => "Send `event` as text.",
            Self::NameNotString => "Send `name` as text.",
            Self::CategoryNotString => "Send `category` as text.",
            Self::DeleteNotAllowed => "Set `deletes = true` on the source if its deletions are meant to erase people.",
            Self::Suppressed => "Nothing, if it is meant: this person was erased, and is not to come back.",
            Self::Filtered => {
                "Nothing, if it is meant; else take this server out of the exclusions in `integrations` of the call."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn every_code_has_a_fix_of_one_short_sentence() {
        for code in Code::ALL {
            let fix = code.fix();
            assert!(fix.ends_with('.') && fix.len() > 15 && fix.len() < 160, "{code}: {fix}");
            assert!(fix.starts_with(char::is_uppercase) && !fix.contains(". "), "{code}: {fix}");
        }
    }
}
