// Package ca makes the sandbox's certificate authority and its server's certificate. It does not know the services.
package ca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/batchaccess/batchaccess/internal/wholefile"
)

const (
	authorityLifetime = 5 * 365 * 24 * time.Hour
	serverLifetime    = 90 * 24 * time.Hour
	// skew is how far a client's clock may be behind, so that the client accepts a new certificate.
	skew = time.Hour
)

// Authority signs the sandbox's server certificates.
type Authority struct {
	// PEM is the authority's certificate.
	PEM         []byte
	certificate *x509.Certificate
	key         crypto.Signer
}

// Load reads the authority in dir, or makes one and stores it there. If dir is "", it stays in memory.
func Load(dir string) (*Authority, error) {
	if dir == "" {
		return create()
	}
	certFile, keyFile := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "ca-key.pem")
	certPEM, err := os.ReadFile(certFile)
	if errors.Is(err, fs.ErrNotExist) {
		a, err := create()
		if err != nil {
			return nil, err
		}
		key, err := EncodeKey(a.key)
		if err != nil {
			return nil, err
		}
		// The key is written first: the next run could not use a certificate without its key.
		if err := errors.Join(wholefile.Write(keyFile, key), wholefile.Write(certFile, a.PEM)); err != nil {
			return nil, fmt.Errorf("keeping the certificate authority: %w", err)
		}
		return a, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the certificate authority: %w", err)
	}
	a, err := read(certPEM, keyFile)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate authority %s: %w; delete it to have a new one made", certFile, err)
	}
	return a, nil
}

func read(certPEM []byte, keyFile string) (*Authority, error) {
	block, _ := pem.Decode(certPEM)
	if block == nil {
		return nil, errors.New("no certificate in it")
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, err := ReadKey(keyFile)
	if err != nil {
		return nil, err
	}
	return &Authority{PEM: certPEM, certificate: certificate, key: key}, nil
}

func create() (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the certificate authority's key: %w", err)
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "batchaccess sandbox CA"},
		NotBefore:             time.Now().Add(-skew),
		NotAfter:              time.Now().Add(authorityLifetime),
		IsCA:                  true,
		MaxPathLenZero:        true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
		// Trust in this authority is limited to this machine.
		PermittedDNSDomainsCritical: true,
		PermittedDNSDomains:         []string{"localhost"},
		PermittedIPRanges: []*net.IPNet{
			{IP: net.IPv4(127, 0, 0, 0).To4(), Mask: net.CIDRMask(8, 32)},
			{IP: net.IPv6loopback, Mask: net.CIDRMask(128, 128)},
		},
	}
	certificate, err := sign(template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("making the certificate authority: %w", err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})
	return &Authority{PEM: text, certificate: certificate, key: key}, nil
}

// Pool is a pool that trusts this authority and no other.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

// Server makes a certificate for this machine's loopback names.
func (a *Authority) Server() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("making the server's key: %w", err)
	}
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "localhost"},
		DNSNames:    []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		NotBefore:   time.Now().Add(-skew),
		NotAfter:    time.Now().Add(serverLifetime),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	certificate, err := sign(template, a.certificate, key.Public(), a.key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("making the server's certificate: %w", err)
	}
	return tls.Certificate{
		Certificate: [][]byte{certificate.Raw, a.certificate.Raw},
		PrivateKey:  key,
		Leaf:        certificate,
	}, nil
}

func sign(template, parent *x509.Certificate, public crypto.PublicKey, signer crypto.Signer) (*x509.Certificate,
	error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template.SerialNumber = serial
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, signer)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// EncodeKey is a private key as PKCS #8 in PEM.
func EncodeKey(key crypto.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encoding a private key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// ReadKey reads what EncodeKey wrote to a file.
func ReadKey(file string) (crypto.Signer, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("no private key in %s", file)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("the private key in %s: %w", file, err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("the private key in %s cannot sign", file)
	}
	return signer, nil
}
