# One image; the command chooses the role: migrate, web, worker, beat, stream.
FROM python:3.11-slim AS build
WORKDIR /app
COPY requirements.lock ./
RUN python -m venv /venv \
 && python -m pip install --no-cache-dir uv==0.13.9 \
 && uv pip sync --no-cache --python /venv/bin/python --require-hashes requirements.lock

FROM python:3.11-slim
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
RUN useradd --system --uid 10001 --home-dir /app stratford \
 && install -d -o stratford -m 0700 /keys \
 && install -d -o stratford -m 0755 /app/staticfiles
WORKDIR /app
COPY --from=build /venv /venv
COPY . .
USER stratford
# Collecting static files needs settings and no server: the addresses only have to be there.
RUN DATABASE_URL=postgres://x/x TIMESCALE_URL=postgres://x/x REDIS_URL=redis://x MONGO_URL=mongodb://x/x \
    DJANGO_SECRET_KEY=used-only-while-building python manage.py collectstatic --noinput
EXPOSE 8000
ENTRYPOINT ["/app/deploy/entrypoint.sh"]
CMD ["web"]
