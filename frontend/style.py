"""The page's style sheet, in addition to Streamlit's own."""

from pathlib import Path


def style_element() -> str:
    """Return frontend/theme.css and the sheets of frontend/styles as one `<style>` element."""
    folder = Path(__file__).parent
    sheets = (folder / "theme.css", *sorted((folder / "styles").glob("*.css")))
    style = "\n".join(sheet.read_text(encoding="utf-8") for sheet in sheets)
    return f"<style>{style}</style>"
