"""Forms of the checkout."""

from typing import Any

from wtforms import EmailField, StringField
from wtforms.validators import InputRequired, Length

from platform_core.accounts.forms import real_address
from platform_core.web.forms import PageForm, clean_text
from platform_core.web.i18n import _


class DetailsForm(PageForm):
    """To whom the receipt goes (CRT-07)."""

    name = StringField(
        _("Name"),
        [
            InputRequired(_("Enter the name that should stand on the receipt.")),
            Length(max=400, message=_("That is longer than 400 characters.")),
        ],
        filters=[clean_text],
        render_kw={"autocomplete": "name", "maxlength": "400"},
    )
    email = EmailField(
        _("E-mail address"),
        [
            InputRequired(_("Enter the address that the receipt should go to.")),
            Length(max=320, message=_("That is longer than any e-mail address.")),
            real_address,
        ],
        filters=[clean_text],
        description=_("For this order only. Your account keeps its own address."),
        render_kw={"autocomplete": "email", "inputmode": "email"},
    )


def details_form(request: Any, name: str, email: str) -> DetailsForm:
    """The form with what is known already."""
    return DetailsForm(request, data={"name": name, "email": email})
