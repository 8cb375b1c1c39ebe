"""Forms of sign-in and Your Account."""

from typing import Any

from email_validator import EmailNotValidError, validate_email
from wtforms import BooleanField, EmailField, HiddenField, PasswordField, SelectField, StringField
from wtforms.validators import InputRequired, Length, ValidationError

from platform_core.accounts.passwords import MAXIMUM, MINIMUM
from platform_core.web.forms import PageForm, clean_text
from platform_core.web.i18n import _, own_name


class SignInForm(PageForm):
    """ACC-01."""

    username = StringField(
        _("Username"),
        [
            InputRequired(_("Enter your username.")),
            Length(max=200, message=_("That is longer than any username.")),
        ],
        filters=[clean_text],
        render_kw={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"},
    )
    password = PasswordField(
        _("Password"),
        [
            InputRequired(_("Enter your password.")),
            Length(max=MAXIMUM, message=_("That is longer than any password.")),
        ],
        render_kw={"autocomplete": "current-password"},
    )
    shared = BooleanField(_("This is a shared computer: sign me out after 10 minutes without use"))
    next = HiddenField()


def real_address(form: Any, field: Any) -> None:
    """A validator: the text has the shape of an e-mail address (no look-up)."""
    try:
        validate_email(field.data or "", check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise ValidationError(
            field.gettext(_("This is not an e-mail address. It looks like name@university.example."))
        ) from error


class ProfileForm(PageForm):
    """ACC-06: what a person may change of themselves."""

    display_name = StringField(
        _("Name"),
        [InputRequired(_("Enter your name as it should stand on receipts.")), Length(max=400)],
        filters=[clean_text],
        render_kw={"autocomplete": "name"},
    )
    email = EmailField(
        _("E-mail address"),
        [InputRequired(_("Enter an e-mail address.")), Length(max=320), real_address],
        filters=[clean_text],
        render_kw={"autocomplete": "email", "inputmode": "email"},
    )
    language = SelectField(_("Language"), validate_choice=True)

    def __init__(self, request: Any, **kw: Any) -> None:
        super().__init__(request, **kw)
        self.language.choices = [(code, own_name(code)) for code in request.store.languages]


class PasswordForm(PageForm):
    """ACC-05: nothing changes unless the current one is right and the two new ones match."""

    current = PasswordField(
        _("Current Password"),
        [InputRequired(_("Enter the password that you use now.")), Length(max=MAXIMUM)],
        render_kw={"autocomplete": "current-password"},
    )
    new = PasswordField(
        _("New Password"),
        [InputRequired(_("Enter a new password.")), Length(max=MAXIMUM)],
        description=_("At least 12 characters. A sentence is fine."),
        render_kw={"autocomplete": "new-password"},
    )
    confirm = PasswordField(
        _("Confirm Password"),
        [InputRequired(_("Type the new password again."))],
        render_kw={"autocomplete": "new-password"},
    )

    def validate_new(self, field: Any) -> None:
        """Say how many characters are missing."""
        missing = MINIMUM - len(field.data or "")
        if missing > 0:
            words = field.ngettext(
                "This is one character short of the 12 that we ask for.",
                "This is {n} characters short of the 12 that we ask for.",
                missing,
            )
            raise ValidationError(words.format(n=missing))

    def validate_confirm(self, field: Any) -> None:
        """The two new ones must match."""
        if field.data != self.new.data:
            raise ValidationError(field.gettext(_("Type the same password again.")))
