#!/usr/bin/perl
# The network between the hosts of the testbed: each host has a tun device, and every packet from one to another waits here for
# as long as the way takes. In user space, since many kernels come without netem; in Perl, since Node cannot open a tun device.
#
#   wire.pl HOSTS JITTER_MS      first line of the output: the names of the devices, in the order of the hosts
#   standard input               "way A B MS": one way between two hosts, both directions; "inf": there is none
#   standard output              "late FROM TO": packets left this much late (ms of CLOCK_MONOTONIC)
#
# Host n has the address 10.77.0.(n + 1). It ends with its standard input.

use strict;
use warnings;
use Fcntl qw(O_RDWR O_NONBLOCK);
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

use constant { TUNSETIFF => 0x400454ca, IFF_TUN_NO_PI => 0x1001, BYTES_MAX => 65_536, BATCH => 64 };
# Later than this, the machine is busy with something else.
use constant LATE_MS => 5;

$| = 1;
my ($hosts, $jitter_ms) = @ARGV;
my (@tun, @names, @way_ms, @last_ms);
my $readable = '';
for my $host (0 .. $hosts - 1) {
    sysopen(my $tun, '/dev/net/tun', O_RDWR | O_NONBLOCK) or die "/dev/net/tun: $!\n";
    my $request = pack('a16 S x22', 'testbed%d', IFF_TUN_NO_PI);
    ioctl($tun, TUNSETIFF, $request) or die "cannot make a tun device: $!\n";
    push @tun, $tun;
    push @names, unpack('Z16', $request);
    vec($readable, fileno($tun), 1) = 1;
}
vec($readable, fileno(STDIN), 1) = 1;
print "@names\n";

# What is on its way, by the time of arrival: times, and beside them hosts and packets.
my (@due_ms, @cargo);
my $commands = '';

while (1) {
    deliver();
    my $wait_s = @due_ms ? ($due_ms[0] - now_ms()) / 1000 : undef;
    $wait_s = 0 if defined $wait_s && $wait_s < 0;
    my $ready = $readable;
    next if select($ready, undef, undef, $wait_s) <= 0;
    listen_to_commands() if vec($ready, fileno(STDIN), 1);
    for my $host (0 .. $hosts - 1) {
        take_from($host) if vec($ready, fileno($tun[$host]), 1);
    }
}

sub now_ms { return 1000 * clock_gettime(CLOCK_MONOTONIC) }

sub deliver {
    my $now_ms = now_ms();
    return unless @due_ms && $due_ms[0] <= $now_ms;
    printf "late %.1f %.1f\n", $due_ms[0], $now_ms if $now_ms - $due_ms[0] > LATE_MS;
    while (@due_ms && $due_ms[0] <= $now_ms) {
        shift @due_ms;
        my ($to, $packet) = @{ shift @cargo };
        # A device that is down or full loses the packet, as a wire may.
        syswrite($tun[$to], $packet);
    }
}

sub take_from {
    my ($from) = @_;
    my $now_ms = now_ms();
    for (1 .. BATCH) {
        return unless sysread($tun[$from], my $packet, BYTES_MAX);
        my ($version, $network, $to) = unpack('C x15 a3 C', $packet);
        next unless ($version >> 4) == 4 && $network eq "\x0a\x4d\x00" && $to >= 1 && $to <= $hosts;
        send_to($from, $to - 1, $packet, $now_ms);
    }
}

# Nothing overtakes on the way between two hosts; the jitter is exponential.
sub send_to {
    my ($from, $to, $packet, $now_ms) = @_;
    my $way_ms = $way_ms[$from][$to];
    return unless defined $way_ms;
    my $due_ms = $now_ms + $way_ms - $jitter_ms * log(1 - rand());
    my $last_ms = $last_ms[$from][$to] // 0;
    $due_ms = $last_ms if $due_ms < $last_ms;
    $last_ms[$from][$to] = $due_ms;
    my ($low, $high) = (0, scalar @due_ms);
    while ($low < $high) {
        my $middle = ($low + $high) >> 1;
        if ($due_ms[$middle] <= $due_ms) { $low = $middle + 1 } else { $high = $middle }
    }
    splice(@due_ms, $low, 0, $due_ms);
    splice(@cargo, $low, 0, [$to, $packet]);
}

sub listen_to_commands {
    exit 0 unless sysread(STDIN, $commands, BYTES_MAX, length $commands);
    while ($commands =~ s/^way (\d+) (\d+) (\S+)\n//) {
        my ($one, $other, $ms) = ($1, $2, $3 eq 'inf' ? undef : $3);
        ($way_ms[$one][$other], $way_ms[$other][$one]) = ($ms, $ms);
    }
}
