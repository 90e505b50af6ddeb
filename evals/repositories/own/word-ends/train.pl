#!/usr/bin/env perl
use strict;
use warnings;
use Getopt::Long;

my %o = (passes => 2, rate => 1.0, suffix => 1, margin => 0.0, seed => 0);
GetOptions(
    'passes=i' => \$o{passes},
    'rate=f'   => \$o{rate},
    'suffix=i' => \$o{suffix},
    'margin=f' => \$o{margin},
    'seed=i'   => \$o{seed},
    'help'     => \my $help,
) or die "try --help\n";
if ($help) {
    print <<"END";
usage: train.pl [options]
  --passes N   passes over the training words (default 2)
  --rate X     learning rate (default 1.0)
  --suffix N   longest ending looked at, in letters (default 1)
  --margin X   update unless the score is beyond this margin (default 0.0)
  --seed N     seed of the shuffle (default 0)
  --help       this text
END
    exit 0;
}

# A generator of our own, so that the words are the same everywhere.
my $state = 12345;
sub below { my $n = shift; $state = ($state * 1103515245 + 12345) % 2147483648; int($state / 65536) % $n }

my @nouns = qw(ness tion ment ist ism ling dom ery);
my @verbs = qw(ate ify ise ling ect ound ery ing);
my @letters = split //, 'aeioubcdfglmnprst';
my @words;
for (1 .. 1500) {
    my $noun = below(2);
    my $stem = join '', map { $letters[below(scalar @letters)] } 1 .. 2 + below(4);
    my $end = $noun ? $nouns[below(scalar @nouns)] : $verbs[below(scalar @verbs)];
    $noun = !$noun if below(12) == 0;
    push @words, ["$stem$end", $noun ? 1 : -1];
}
my @valid = splice @words, 1000;

$state = 777 + $o{seed};
for (my $i = $#words; $i > 0; $i--) {
    my $j = below($i + 1);
    @words[$i, $j] = @words[$j, $i];
}

my %w;
sub features {
    my $word = shift;
    return ('bias', map { '-' . substr($word, -$_) } grep { $_ <= length $word } 1 .. $o{suffix});
}
sub score { my $sum = 0; $sum += $w{$_} // 0 for features(shift); $sum }

for my $pass (1 .. $o{passes}) {
    my $updates = 0;
    for my $item (@words) {
        my ($word, $y) = @$item;
        if ($y * score($word) <= $o{margin}) {
            $w{$_} += $o{rate} * $y for features($word);
            $updates++;
        }
    }
    my $wrong = grep { $_->[1] * score($_->[0]) <= 0 } @valid;
    printf "pass %d updates %d validation error %.4f\n", $pass, $updates, $wrong / @valid;
}
