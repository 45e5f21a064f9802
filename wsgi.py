"""The WSGI entry point of this site: `gunicorn wsgi:app`."""

from onhand.app import create_app

app = create_app()
