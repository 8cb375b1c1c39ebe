"""The one build step that setup.cfg cannot say: each .po becomes the .mo that gettext reads."""

from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithCatalogues(build_py):
    """Compile beside the sources, so that an editable checkout and a wheel both hold the catalogues."""

    def run(self) -> None:
        """Write every `LC_MESSAGES/*.mo`, then copy packages and their data as usual."""
        for root in (Path("platform_core"), Path("plugins")):
            for source in sorted(root.glob("**/LC_MESSAGES/*.po")):
                with source.open("rb") as text:
                    catalogue = read_po(text, locale=source.parent.parent.name, domain=source.stem)
                with source.with_suffix(".mo").open("wb") as binary:
                    write_mo(binary, catalogue)
        # The list of data files was made before the catalogues existed.
        self.__dict__.pop("data_files", None)
        super().run()


setup(cmdclass={"build_py": BuildWithCatalogues})
