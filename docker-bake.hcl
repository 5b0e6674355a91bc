# docker buildx bake: the images for amd64 and arm64, with labels, bill of materials (SBOM) and provenance.
# Names, Dockerfiles, labels and version are those of bed/images.ts and package.json: test/unit/bed/bake.test.ts compares.
# Stages that are the same in several Dockerfiles are built once.
#
# Show what is built:  docker buildx bake --print
# For a registry:      REGISTRY=registry.example.org/signalbox docker buildx bake --push
# For this machine:    docker buildx bake --load --sbom=false --provenance=false --set '*.platform=linux/amd64'

variable "VERSION" {
  default = "0.1.0"
}

variable "REGISTRY" {
  default = "signalbox"
}

# Address of the repository.
variable "SOURCE" {
  default = ""
}

# Commit that is built.
variable "REVISION" {
  default = ""
}

group "default" {
  targets = ["acme", "controller", "extension", "proxy"]
}

group "all" {
  targets = ["acme", "controller", "extension", "proxy", "demo"]
}

target "image" {
  matrix = {
    image = [
      { name = "acme", dockerfile = "Dockerfile.acme" },
      { name = "controller", dockerfile = "Dockerfile.controller" },
      { name = "extension", dockerfile = "Dockerfile.extension" },
      { name = "proxy", dockerfile = "Dockerfile.proxy" },
      { name = "demo", dockerfile = "docker/demo/Dockerfile" },
    ]
  }
  name       = image.name
  context    = "."
  dockerfile = image.dockerfile
  platforms  = ["linux/amd64", "linux/arm64"]
  tags       = ["${REGISTRY}/${image.name}:${VERSION}"]
  attest     = ["type=sbom", "type=provenance,mode=max"]
  labels = {
    "org.opencontainers.image.title"    = "signalbox/${image.name}"
    "org.opencontainers.image.version"  = "${VERSION}"
    "org.opencontainers.image.revision" = "${REVISION}"
    "org.opencontainers.image.source"   = "${SOURCE}"
    "org.opencontainers.image.licenses" = "Apache-2.0"
  }
}
