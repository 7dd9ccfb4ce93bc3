# Makes calls as vcld makes them and prints what vcld would log. One call a line on the standard input, as JSON;
# each answer is the lines of the log, and an empty line.
#
# url, user, password, arguments    as in vcld.conf, and what is called
# address, port                     where a connection to the host of `url` really goes: the name need not exist
# source                            from where it comes
# ca_variable, ca_file              an environment variable of vcld's
# timeout                           seconds; vcld leaves LWP's 180
use strict;
use warnings;
use Data::Dumper;
use IO::Handle;
use JSON::PP;
use LWP::Protocol::http;
use LWP::UserAgent;
use RPC::XML::Client;

$Data::Dumper::Indent = $Data::Dumper::Useqq = $Data::Dumper::Terse = $Data::Dumper::Sortkeys = 1;
STDOUT->autoflush(1);

while (my $line = <STDIN>) {
    my $call = decode_json($line);
    my $log = said($call);
    $log =~ s/\r//g;
    $log =~ s/\n{2,}/\n/g;
    print "$log\n\n";
}

sub said {
    my ($call) = @_;
    local %ENV = %ENV;
    $ENV{$call->{ca_variable}} = $call->{ca_file} if $call->{ca_variable};
    my ($host) = $call->{url} =~ m{//([^/:]+)};
    # Taken instead of the address and the port of the URL. The name stays that of the URL in the Host header, in
    # the TLS handshake, and in errors.
    local @LWP::Protocol::http::EXTRA_SOCK_OPTS = (
        PeerAddr => $call->{address}, PeerPort => $call->{port}, LocalAddr => $call->{source},
        ($call->{url} =~ /^https/ ? (SSL_hostname => $host) : ()),
    );
    my $client = RPC::XML::Client->new($call->{url}, useragent => [ssl_opts => {verify_hostname => 0}]);
    $client->useragent->timeout($call->{timeout}) if $call->{timeout};
    $client->request->header('X-User' => $call->{user}, 'X-Pass' => $call->{password}, 'X-APIVERSION' => 2);
    my @arguments = @{$call->{arguments}};
    $RPC::XML::ERROR = '';
    my $response = $client->send_request(@arguments);
    my $arguments = 'arguments: ' . join(', ', @arguments);
    my @who = ("URL: $call->{url}", "username: $call->{user}", "password: $call->{password}");
    if (!ref $response) {
        my $error = 'error: ' . ($RPC::XML::ERROR || '<none>');
        return join "\n", 'RPC::XML::Client::send_request failed', @who, $error, $arguments, "response: '$response'",
            dumped($response);
    }
    if ($response->is_fault) {
        return join "\n", 'RPC::XML::Client::send_request fault occurred', @who, $arguments,
            'fault code: ' . $response->code, 'fault string: ' . $response->string;
    }
    return join "\n", 'called RPC::XML::Client::send_request:', $arguments, 'response value:', dumped($response->value);
}

sub dumped {
    return join "\n", map { ": $_" } split /\n/, Dumper(@_);
}
