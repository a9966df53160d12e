// Reads an eStargz layer with the stargz snapshotter's own library, and checks it whole.
//
// Usage: judge BLOB TOC-DIGEST [TOC-LAYER]
//
// Prints each path with the SHA-256 of what reading it through the table gives.
package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/containerd/stargz-snapshotter/estargz"
	"github.com/opencontainers/go-digest"
)

// outside finds the table in a layer of its own, as the footer with this name asks.
type outside struct {
	estargz.GzipDecompressor
	path string
}

const magic = "STARGZEXTERNALTOC"

func (o *outside) FooterSize() int64 { return 46 }

func (o *outside) ParseFooter(p []byte) (int64, int64, int64, error) {
	if len(p) != 46 || string(p[16:16+len(magic)]) != magic {
		return 0, 0, 0, errors.New("no footer of a layer whose table is elsewhere")
	}
	return 0, 0, 1, nil
}

func (o *outside) ParseTOC(io.Reader) (*estargz.JTOC, digest.Digest, error) {
	file, err := os.Open(o.path)
	if err != nil {
		return nil, "", err
	}
	defer file.Close()
	return o.GzipDecompressor.ParseTOC(file)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	blob, err := os.Open(os.Args[1])
	check(err)
	found, err := blob.Stat()
	check(err)
	var options []estargz.OpenOption
	if len(os.Args) > 3 {
		options = append(options, estargz.WithDecompressors(&outside{path: os.Args[3]}))
	}
	layer, err := estargz.Open(io.NewSectionReader(blob, 0, found.Size()), options...)
	check(err)
	verify, err := layer.VerifyTOC(digest.Digest(os.Args[2]))
	check(err)
	root, ok := layer.Lookup("")
	if !ok {
		check(errors.New("no root"))
	}
	walk(layer, verify, "", root)
}

func walk(layer *estargz.Reader, verify estargz.TOCEntryVerifier, at string, folder *estargz.TOCEntry) {
	folder.ForeachChild(func(name string, entry *estargz.TOCEntry) bool {
		path := at + "/" + name
		fmt.Printf("%s\t%s\t%o\t%d\t%d\t%d\t%s", path, entry.Type, entry.Mode, entry.UID, entry.GID, entry.ModTime().Unix(), entry.LinkName)
		for key, value := range entry.Xattrs {
			fmt.Printf("\t%s=%s", key, value)
		}
		if entry.Type == "reg" {
			fmt.Printf("\t%x", content(layer, verify, entry))
		}
		fmt.Println()
		walk(layer, verify, path, entry)
		return true
	})
}

func content(layer *estargz.Reader, verify estargz.TOCEntryVerifier, entry *estargz.TOCEntry) []byte {
	file, err := layer.OpenFile(entry.Name)
	check(err)
	whole := sha256.New()
	for offset := int64(0); offset < entry.Size; {
		chunk, ok := layer.ChunkEntryForOffset(entry.Name, offset)
		if !ok {
			check(fmt.Errorf("%s: no chunk at %d", entry.Name, offset))
		}
		own, err := verify.Verifier(chunk)
		check(err)
		data := make([]byte, chunk.ChunkSize)
		_, err = file.ReadAt(data, offset)
		if err != nil && err != io.EOF {
			check(fmt.Errorf("%s at %d: %w", entry.Name, offset, err))
		}
		own.Write(data)
		if !own.Verified() {
			check(fmt.Errorf("%s at %d: not what the table says", entry.Name, offset))
		}
		whole.Write(data)
		offset += chunk.ChunkSize
	}
	return whole.Sum(nil)
}
