"""The few pages that the download server shows itself, in English and French."""

import base64
import hashlib
from html import escape
from types import MappingProxyType

from .backend import Text

LANGUAGES = ("en", "fr")


def _texts(**pairs: tuple[str, str]) -> dict[str, Text]:
    return {code: MappingProxyType(dict(zip(LANGUAGES, both, strict=True))) for code, both in pairs.items()}


TITLES = _texts(
    expired=("This download link has expired", "Ce lien de téléchargement a expiré"),
    forged=("This link is not complete", "Ce lien n’est pas complet"),
    not_found=("There is no page here", "Il n’y a pas de page ici"),
    method=("This address only gives files", "Cette adresse ne fait que donner des fichiers"),
    busy=("Too many connections for one download", "Trop de connexions pour un seul téléchargement"),
    unavailable=(
        "The file cannot be sent at the moment",
        "Le fichier ne peut pas être envoyé pour le moment",
    ),
    changed=("The file has changed", "Le fichier a changé"),
    range=("The file has no such part", "Le fichier n’a pas cette partie"),
    refused=("You cannot download this now", "Vous ne pouvez pas télécharger ceci maintenant"),
)

MESSAGES = _texts(
    expired=(
        (
            "Links work for 24 hours. Open your order and choose Download again: the new link goes on "
            "where the old one stopped, and nothing was counted that did not arrive."
        ),
        (
            "Les liens fonctionnent 24 heures. Ouvrez votre commande et choisissez à nouveau Télécharger : "
            "le nouveau lien reprend là où l’ancien s’est arrêté, et rien n’a été compté qui ne soit arrivé."
        ),
    ),
    forged=(
        (
            "Some of it is missing or was altered, perhaps by a mail program. Open your order in the store "
            "and choose Download there."
        ),
        (
            "Une partie manque ou a été modifiée, peut-être par un logiciel de courrier. Ouvrez votre "
            "commande dans la boutique et choisissez Télécharger."
        ),
    ),
    not_found=(
        "Downloads start from the receipt in your store.",
        "Les téléchargements commencent depuis le reçu, dans votre boutique.",
    ),
    method=(
        "Open the link in a browser or a download manager.",
        "Ouvrez le lien dans un navigateur ou un gestionnaire de téléchargement.",
    ),
    busy=(
        (
            "Let one of the running connections finish, or set your download manager to fewer, then try again. "
            "This try did not count."
        ),
        (
            "Laissez se terminer l’une des connexions en cours, ou réglez votre gestionnaire sur un nombre "
            "plus petit, puis réessayez. Cet essai n’a pas compté."
        ),
    ),
    unavailable=(
        "The fault is ours and has been recorded. Try again in a few minutes. This try did not count.",
        (
            "La faute est de notre côté et a été consignée. Réessayez dans quelques minutes. Cet essai n’a "
            "pas compté."
        ),
    ),
    changed=(
        (
            "What you have so far belongs to another version. Start the download anew. The earlier try did "
            "not count."
        ),
        (
            "Ce que vous avez déjà appartient à une autre version. Recommencez le téléchargement. L’essai "
            "précédent n’a pas compté."
        ),
    ),
    range=(
        (
            "A program asked for bytes that do not exist, or for too many pieces at once. Start the "
            "download anew."
        ),
        (
            "Un programme a demandé des octets qui n’existent pas, ou trop de morceaux à la fois. Recommencez le "
            "téléchargement."
        ),
    ),
)

_BACK = MappingProxyType({"en": "Back to your order", "fr": "Retour à votre commande"})

_STYLE = (
    "body{margin:12vh auto;max-width:34rem;padding:0 1.5rem;font:1.0625rem/1.55 system-ui,sans-serif;"
    "color:#1c2321;background:#fff}h1{font-size:1.5rem;line-height:1.25;margin:0 0 1rem}"
    "a{color:#17503a;display:inline-block;padding:.7rem 0}"
    "@media(prefers-color-scheme:dark){body{color:#e8ecea;background:#151a18}a{color:#8fd0b0}}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode("ascii")

FIELDS = MappingProxyType(
    {
        "Cache-Control": "no-store",
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'"
        ),
        "Referrer-Policy": "no-referrer",
        "Vary": "Accept-Language",
    }
)


def language_of(accept_language: str | None) -> str:
    """The language of these pages that a reader likes best (RFC 9110 section 12.5.4); English if none."""
    best, best_weight = LANGUAGES[0], 0.0
    for item in (accept_language or "").split(","):
        tag, _, parameters = item.partition(";")
        name, _, value = parameters.strip().partition("=")
        try:
            weight = float(value) if name.strip().lower() == "q" else 1.0
        except ValueError:
            continue
        primary = tag.strip().lower().partition("-")[0]
        if primary in LANGUAGES and weight > best_weight:
            best, best_weight = primary, weight
    return best


def render(code: str, language: str, message: Text | None = None, back_url: str | None = None) -> str:
    """A page of HTML: what happened, what to do, and the way back to the order."""
    titles = TITLES.get(code, TITLES["refused"])
    message = message or MESSAGES[code]
    title = escape(titles[language])
    text = escape(message.get(language) or message["en"])
    link = ""
    if back_url is not None and back_url.startswith(("https://", "http://")):
        link = f'<p><a href="{escape(back_url)}">{escape(_BACK[language])}</a></p>'
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{title}</h1><p>{text}</p>{link}</main></body></html>\n"
    )
