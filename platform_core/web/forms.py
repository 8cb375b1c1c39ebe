"""The base of every form on a page: WTForms, in the reader's language, with accessible fields."""

from typing import Any

from wtforms import Form
from wtforms.i18n import get_translations

from platform_core.web.i18n import DOMAIN


class _Translations:
    """Our catalogue first, then WTForms' own."""

    def __init__(self, localizer: Any) -> None:
        self._ours = localizer
        self._theirs = get_translations([localizer.locale_name])

    def gettext(self, message: str) -> str:
        text = str(self._ours.translate(message, domain=DOMAIN))
        return text if text != message else str(self._theirs.gettext(message))

    def ngettext(self, one: str, many: str, n: int) -> str:
        text = str(self._ours.pluralize(one, many, n, domain=DOMAIN))
        return text if text not in (one, many) else str(self._theirs.ngettext(one, many, n))


class PageForm(Form):
    """A form of a page. `request` brings the language; a POST brings the data."""

    class Meta:
        """WTForms' settings; CSRF is not WTForms' matter here."""

        csrf = False

        def get_translations(self, form: Any) -> Any:
            return _Translations(form.request.localizer)

        def render_field(self, field: Any, options: dict[str, Any]) -> Any:
            described = [f"{field.id}-hint"] if field.description else []
            if field.errors:
                options.setdefault("aria-invalid", "true")
                described.append(f"{field.id}-error")
            if described:
                options.setdefault("aria-describedby", " ".join(described))
            return super().render_field(field, options)  # type: ignore[misc]

    def __init__(self, request: Any, **kw: Any) -> None:
        self.request = request
        super().__init__(request.POST if request.method == "POST" else None, **kw)


def clean_text(value: str | None) -> str:
    """Typed text without the ends' white space and without control characters (a filter for fields)."""
    return "".join(c for c in (value or "") if c.isprintable() or c == "\n").strip()
