# offhook in an image with nothing else: a static binary, the certificate
# authorities, and a user who may write to /data and nowhere else.
#
#   docker build --build-arg RELEASE="$(git describe --tags --always)" -t offhook .
#   docker run -p 8080:8080 -p 127.0.0.1:8081:8081 -v offhook:/data offhook
#
# The admin listener is on all addresses inside of the container, so publish it
# to whom it is for, and to nobody else.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG RELEASE=
ENV CGO_ENABLED=0 GOFLAGS=
RUN go build -trimpath -buildvcs=auto -ldflags "-s -w -X main.release=${RELEASE}" -o /out/offhook ./cmd/offhook \
	&& mkdir -p -m 0700 /out/data /out/tmp

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /usr/share/zoneinfo /usr/share/zoneinfo
COPY --from=build /out/offhook /offhook
COPY --from=build --chown=65532:65532 /out/data /data
COPY --from=build --chown=65532:65532 /out/tmp /tmp
USER 65532:65532
ENV OFFHOOK_DATA_DIR=/data/store OFFHOOK_LISTEN=:8080 OFFHOOK_ADMIN_LISTEN=:8081
VOLUME /data
EXPOSE 8080 8081
STOPSIGNAL SIGTERM
ENTRYPOINT ["/offhook"]
CMD ["serve"]
