"""The Streamlit page. It talks to the API over HTTP and imports nothing else of the project."""
