"""The Streamlit page. It calls the API over HTTP and imports no other package of the project."""
