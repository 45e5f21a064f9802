"""Envelopes: no control character gets in, however it is written down."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from onhand_channels.schemas.cloudevents import NotACloudEvent, decode_envelope

WHOLE = {"specversion": "1.0", "id": "1", "source": "web", "type": "onhand.sale.v1"}
TEXTS = st.text(
    st.characters(codec="utf-8") | st.sampled_from("\x00\n\x1f\x7f\x80\x9f\xa0¿\\"), min_size=1, max_size=20
)


@given(name=st.sampled_from(["id", "source", "type", "subject", "dataschema"]), text=TEXTS, escaped=st.booleans())
def test_an_attribute_with_a_control_character_is_refused_and_any_other_text_is_read(name, text, escaped):
    body = json.dumps(WHOLE | {name: text}, ensure_ascii=escaped).encode()
    if re.search(r"[\x00-\x1f\x7f-\x9f]", text):
        with pytest.raises(NotACloudEvent, match=f"'{name}' has control characters"):
            decode_envelope(body)
    else:
        assert getattr(decode_envelope(body), {"dataschema": "schema"}.get(name, name)) == text
