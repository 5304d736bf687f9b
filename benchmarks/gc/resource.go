package gc

import (
	"fmt"
	"strconv"
	"sync"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// EndpointsPerCluster is how many endpoints each cluster has.
const EndpointsPerCluster = 8

// A Resource is what the control plane knows of one cluster: the two messages
// of xDS that it is pushed as, and the version of the configuration that last
// changed it. A Resource and its messages are never written to again once a
// cache has it: an update puts a new Resource in its place.
type Resource struct {
	Version   uint64
	Cluster   *clusterv3.Cluster
	Endpoints *endpointv3.ClusterLoadAssignment

	marshal                    sync.Once
	clusterWire, endpointsWire []byte
	marshalFailure             error
}

// Marshalled returns both messages in their deterministic wire format. They
// are marshalled once, by whoever comes first, and kept for all subscribers,
// as go-control-plane's linear cache does (pkg/cache/v3/cached_resource.go).
func (r *Resource) Marshalled() (cluster, endpoints []byte, err error) {
	r.marshal.Do(func() {
		options := proto.MarshalOptions{Deterministic: true}
		if r.clusterWire, r.marshalFailure = options.Marshal(r.Cluster); r.marshalFailure == nil {
			r.endpointsWire, r.marshalFailure = options.Marshal(r.Endpoints)
		}
	})
	return r.clusterWire, r.endpointsWire, r.marshalFailure
}

// Name is the cluster's name, the key of every cache.
func (r *Resource) Name() string { return r.Cluster.Name }

// clusterName is the name that a service mesh gives to service id's cluster.
func clusterName(id int) string {
	return fmt.Sprintf("outbound|8080||service-%d.namespace-%d.svc.cluster.local", id, id%50)
}

// NewResource makes a cluster with its endpoints, some 9 KB of heap. Both messages carry the version, so that a cluster which arrives
// with another version's endpoints is noticed.
func NewResource(name string, version uint64) *Resource {
	return &Resource{Version: version, Cluster: newCluster(name, version), Endpoints: newEndpoints(name, version)}
}

func newCluster(name string, version uint64) *clusterv3.Cluster {
	return &clusterv3.Cluster{
		Name:                 name,
		AltStatName:          strconv.FormatUint(version, 10),
		ClusterDiscoveryType: &clusterv3.Cluster_Type{Type: clusterv3.Cluster_EDS},
		EdsClusterConfig: &clusterv3.Cluster_EdsClusterConfig{
			ServiceName: name,
			EdsConfig:   ads(),
		},
		ConnectTimeout: durationpb.New(10 * time.Second),
		LbPolicy:       clusterv3.Cluster_LEAST_REQUEST,
		CircuitBreakers: &clusterv3.CircuitBreakers{Thresholds: []*clusterv3.CircuitBreakers_Thresholds{{
			MaxConnections:     wrapperspb.UInt32(4096),
			MaxPendingRequests: wrapperspb.UInt32(4096),
			MaxRequests:        wrapperspb.UInt32(4096),
			MaxRetries:         wrapperspb.UInt32(3),
		}}},
		OutlierDetection: &clusterv3.OutlierDetection{
			Consecutive_5Xx:    wrapperspb.UInt32(5),
			Interval:           durationpb.New(10 * time.Second),
			BaseEjectionTime:   durationpb.New(30 * time.Second),
			MaxEjectionPercent: wrapperspb.UInt32(10),
		},
		TransportSocket: &corev3.TransportSocket{
			Name:       "envoy.transport_sockets.tls",
			ConfigType: &corev3.TransportSocket_TypedConfig{TypedConfig: mutualTLS(name)},
		},
	}
}

// newEndpoints puts the endpoints at addresses that the version changes, as
// restarted pods have new ones.
func newEndpoints(name string, version uint64) *endpointv3.ClusterLoadAssignment {
	endpoints := make([]*endpointv3.LbEndpoint, EndpointsPerCluster)
	for i := range endpoints {
		address := fmt.Sprintf("10.%d.%d.%d", byte(version>>8), byte(version), i+1)
		endpoints[i] = &endpointv3.LbEndpoint{
			HostIdentifier: &endpointv3.LbEndpoint_Endpoint{Endpoint: &endpointv3.Endpoint{Address: &corev3.Address{
				Address: &corev3.Address_SocketAddress{SocketAddress: &corev3.SocketAddress{
					Address:       address,
					PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: 8080},
				}},
			}}},
			HealthStatus:        corev3.HealthStatus_HEALTHY,
			LoadBalancingWeight: wrapperspb.UInt32(1),
		}
	}
	return &endpointv3.ClusterLoadAssignment{
		ClusterName: name,
		Endpoints: []*endpointv3.LocalityLbEndpoints{{
			Locality:            &corev3.Locality{Region: "region-1", Zone: "zone-1", SubZone: strconv.FormatUint(version, 10)},
			LbEndpoints:         endpoints,
			LoadBalancingWeight: wrapperspb.UInt32(EndpointsPerCluster),
		}},
	}
}

// mutualTLS is how a service mesh has its proxies talk to a cluster: with
// certificates by name from a secret service, and the identities to expect. It
// is in the message as bytes, so it costs a collection less than its size says.
func mutualTLS(name string) *anypb.Any {
	secret := func(of string) *tlsv3.SdsSecretConfig {
		return &tlsv3.SdsSecretConfig{Name: of, SdsConfig: ads()}
	}
	var identities []*matcherv3.StringMatcher
	for i := range 6 {
		identities = append(identities, &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_Exact{
			Exact: fmt.Sprintf("spiffe://cluster.local/ns/namespace-%d/sa/%s", i, name)}})
	}
	var config tlsv3.UpstreamTlsContext
	config.Sni = name
	config.CommonTlsContext = &tlsv3.CommonTlsContext{
		AlpnProtocols:                  []string{"istio-peer-exchange", "istio", "h2"},
		TlsCertificateSdsSecretConfigs: []*tlsv3.SdsSecretConfig{secret("default")},
		ValidationContextType: &tlsv3.CommonTlsContext_CombinedValidationContext{
			CombinedValidationContext: &tlsv3.CommonTlsContext_CombinedCertificateValidationContext{
				DefaultValidationContext:         &tlsv3.CertificateValidationContext{MatchSubjectAltNames: identities},
				ValidationContextSdsSecretConfig: secret("ROOTCA"),
			},
		},
	}
	packed, err := anypb.New(&config)
	if err != nil {
		panic(fmt.Sprintf("gc: a message that was just made does not marshal: %v", err))
	}
	return packed
}

func ads() *corev3.ConfigSource {
	return &corev3.ConfigSource{
		ConfigSourceSpecifier: &corev3.ConfigSource_Ads{Ads: &corev3.AggregatedConfigSource{}},
		ResourceApiVersion:    corev3.ApiVersion_V3,
	}
}
