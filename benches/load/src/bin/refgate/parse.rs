//! The validating parse that every gateway does before it stores: types, ids, lengths; the bytes are kept as sent.

use std::borrow::Cow;

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Call<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(borrow, default)]
    message_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    user_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    anonymous_id: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Batch<'a> {
    #[serde(borrow)]
    batch: Vec<sonic_rs::LazyValue<'a>>,
}

/// A call that passed: who sent it, and its bytes.
pub(crate) struct Checked {
    pub(crate) id: String,
    pub(crate) body: Vec<u8>,
}

fn one(text: &str) -> Result<Checked, &'static str> {
    let call: Call = sonic_rs::from_str(text).map_err(|_| "bad json")?;
    if !matches!(&*call.r#type, "track" | "page" | "screen" | "identify" | "group" | "alias") {
        return Err("bad type");
    }
    let id = call.user_id.or(call.anonymous_id).ok_or("no id")?.into_owned();
    if call.message_id.as_deref().map_or(0, str::len) > 100 {
        return Err("bad messageId");
    }
    Ok(Checked { id, body: text.as_bytes().to_vec() })
}

/// The calls of one request body.
pub(crate) fn body(bytes: &[u8], is_batch: bool) -> Result<Vec<Checked>, &'static str> {
    if !is_batch {
        return Ok(vec![one(std::str::from_utf8(bytes).map_err(|_| "utf8")?)?]);
    }
    let batch: Batch = sonic_rs::from_slice(bytes).map_err(|_| "bad json")?;
    batch.batch.iter().map(|item| one(item.as_raw_str())).collect()
}
