FROM python:3.12-slim
WORKDIR /app
COPY requirements.lock ./
RUN pip install --no-cache-dir --no-deps --require-hashes -r requirements.lock
COPY . .
RUN pip install --no-cache-dir --no-deps --no-build-isolation --editable . \
    && useradd --create-home --uid 10001 bakeoff && mkdir /data && chown bakeoff /data
USER bakeoff
ENV BAKEOFF_HOME=/data
VOLUME /data
EXPOSE 8501
# The container's port is published by whoever runs it: bind it to 127.0.0.1, or put a proxy with a login in front.
CMD ["bakeoff", "serve", "--host", "0.0.0.0", "--insecure-no-login"]
