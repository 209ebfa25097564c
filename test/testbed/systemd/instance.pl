#!/usr/bin/perl
# An instance for the container, where there is nothing but Perl: answers every request with one line, and those
# for /slow after three seconds.
use strict;
use IO::Socket::INET;
my $server = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 9000, Listen => 128, ReuseAddr => 1) or die;
$SIG{CHLD} = 'IGNORE';
while (my $client = $server->accept) {
  next if fork;
  local $/ = "\r\n\r\n";
  while (defined(my $head = <$client>)) { sleep 3 if $head =~ m{^GET /slow}; print $client "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood"; $client->flush; }
  exit;
}
