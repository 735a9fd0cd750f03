using System.Buffers;
using System.Diagnostics;
using SLoRA.Text.Tests.Tokenization;
using SLoRA.Text.Tokenization;
using SLoRA.Text.Tokenization.Decoders;

namespace SLoRA.Text.Tests;

/// <summary>What holds for every tokenizer: threads, allocation, time, and any text at all.</summary>
public sealed class ModelTokenizerTests
{
    private static readonly string[] Pieces =
        ["the ", "quick", " ", "\n", "你好", "😀", "é", "e\u0301", "<s>", "1", "'s", "▁", "\uD800", "zz", "\0", "ﬁ", "Q", "</w>", "[MASK]"];

    public static IEnumerable<TestCaseData> Fixtures() =>
        TokenizerFixture.Present.Select(f => new TestCaseData(f).SetArgDisplayNames(f.Folder, f.Name));

    [Test]
    public void Many_threads_encode_and_decode_as_one_does()
    {
        ModelTokenizer tokenizer = Demo();
        string[] texts = [.. Enumerable.Range(0, 200).Select(i => Text(new Random(i), 50))];
        int[][] alone = [.. texts.Select(t => tokenizer.Encode(t))];
        Parallel.For(0, 2000, i =>
        {
            int[] ids = tokenizer.Encode(texts[i % texts.Length]);
            if (!ids.AsSpan().SequenceEqual(alone[i % texts.Length]))
            {
                throw new AssertionException($"text {i % texts.Length}");
            }

            tokenizer.Decode(ids);
        });
    }

    [Test]
    public void Encoding_into_a_writer_gives_the_same_ids_and_allocates_nothing()
    {
        ModelTokenizer tokenizer = Demo();
        const string Text = "<|im_start|>user\nWhen are you open on Sunday, 24 December?<|im_end|>\n";
        var output = new ArrayBufferWriter<int>(1024);
        // The smallest of many: the runtime itself allocates now and then while it compiles.
        long allocated = long.MaxValue;
        for (int i = 0; i < 50; i++)
        {
            output.ResetWrittenCount();
            long before = GC.GetAllocatedBytesForCurrentThread();
            tokenizer.EncodeTo(Text, output);
            allocated = Math.Min(allocated, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.That(output.WrittenSpan.ToArray(), Is.EqualTo(tokenizer.Encode(Text)));
        Assert.That(allocated, Is.Zero);
    }

    [Test]
    public void A_stream_allocates_nothing_per_id()
    {
        ModelTokenizer tokenizer = Demo();
        int[] ids = tokenizer.Encode("We are open from nine to five. 你好 😀 Come and see us!");
        TextStream stream = tokenizer.CreateStream(stopStrings: ["never met"]);
        for (int i = 0; i < 20; i++)
        {
            foreach (int id in ids)
            {
                stream.Append(id);
            }
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        foreach (int id in ids)
        {
            stream.Append(id);
        }

        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
    }

    [Test]
    public void A_stop_string_is_found_across_tokens_and_no_part_of_it_is_given()
    {
        ModelTokenizer tokenizer = Demo();
        int[] ids = tokenizer.Encode("We are open. END of it.");
        TextStream stream = tokenizer.CreateStream(stopStrings: ["END of"]);
        string text = "";
        foreach (int id in ids)
        {
            text += stream.Append(id).ToString();
        }

        text += stream.Finish().ToString();
        Assert.Multiple(() =>
        {
            Assert.That(text, Is.EqualTo("We are open. "));
            Assert.That(stream.IsStopped);
            Assert.That(stream.StopString, Is.EqualTo("END of"));
        });
    }

    [Test]
    public void A_stream_behind_a_long_context_goes_on_as_if_it_had_read_all_of_it()
    {
        foreach (TokenizerFixture fixture in TokenizerFixture.All.Where(f => f.TokenizerPath is not null
            && f.Root.TryGetProperty("streaming", out _)))
        {
            ModelTokenizer tokenizer = fixture.Tokenizer();
            int[] ids = [.. fixture.Root.GetProperty("streaming").EnumerateArray()
                .SelectMany(item => item.GetProperty("ids").EnumerateArray()).Select(id => id.GetInt32())];
            for (int skip = 0; skip < 2; skip++)
            {
                int[] context = [.. Enumerable.Repeat(ids, 600).SelectMany(x => x).Skip(skip).Take(600 + (ids.Length / 2))];
                TextStream whole = tokenizer.CreateStream([], skip == 0);
                foreach (int id in context)
                {
                    whole.Append(id);
                }

                TextStream settled = tokenizer.CreateStream(context, skip == 0);
                foreach (int id in ids)
                {
                    Assert.That(settled.Append(id).ToString(), Is.EqualTo(whole.Append(id).ToString()), fixture.Name);
                }

                Assert.That(settled.Finish().ToString(), Is.EqualTo(whole.Finish().ToString()), fixture.Name);
            }
        }
    }

    [Test]
    public void A_stream_reads_only_the_end_of_its_context()
    {
        ModelTokenizer tokenizer = Demo();
        int[] context =
            [.. Enumerable.Repeat(tokenizer.Encode("The quick brown fox. ", addSpecialTokens: false), 2_000).SelectMany(x => x)];
        int read = -1;
        _ = new StreamDecoder(
            new CountingDecoder(count => read = count), first => tokenizer.Texts(first, skipSpecialTokens: true), context);

        Assert.That(read, Is.EqualTo(256));
    }

    [Test]
    public void A_finished_stream_takes_no_more()
    {
        TextStream stream = Demo().CreateStream();
        stream.Finish();
        Assert.Throws<InvalidOperationException>(() => stream.Append(1));
    }

    [TestCaseSource(nameof(Fixtures))]
    public void The_pieces_of_any_ids_add_up_to_their_text(object fixture)
    {
        ModelTokenizer tokenizer = ((TokenizerFixture)fixture).Tokenizer();
        var random = new Random(3);
        for (int i = 0; i < 60; i++)
        {
            int[] ids = i % 2 == 0
                ? tokenizer.Encode(Text(random, 12))
                : [.. Enumerable.Range(0, random.Next(12)).Select(_ => random.Next(tokenizer.VocabularySize))];
            string whole = tokenizer.Decode(ids, skipSpecialTokens: true);
            TextStream stream = tokenizer.CreateStream();
            string text = "";
            foreach (int id in ids)
            {
                text += stream.Append(id).ToString();
            }

            text += stream.Finish().ToString();
            // An ill-formed run of byte tokens is all U+FFFD at once, and only from its first error on when streamed.
            if (!whole.Contains('\uFFFD'))
            {
                Assert.That(text, Is.EqualTo(whole), string.Join(",", ids));
            }
        }
    }

    [TestCaseSource(nameof(Fixtures))]
    public void Time_is_linear_in_the_length_of_the_text(object fixture)
    {
        ModelTokenizer tokenizer = ((TokenizerFixture)fixture).Tokenizer();
        foreach (string unit in (string[])["a", " ", "\n", "ab", "😀", "你", "e\u0301", "1", "!", "▁", "<", "supercalifragilistic"])
        {
            string text = string.Concat(Enumerable.Repeat(unit, 50_000 / unit.Length));
            var watch = Stopwatch.StartNew();
            int[] ids = tokenizer.Encode(text);
            tokenizer.Decode(ids);
            // Quadratic time would be minutes here; the bound only has to stand a busy machine.
            Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(10)), $"{unit}: {ids.Length} ids");
        }
    }

    [Test]
    public void Ids_and_tokens_are_found_by_each_other_and_unknown_ones_are_none()
    {
        ModelTokenizer tokenizer = Demo();
        Assert.Multiple(() =>
        {
            foreach (string token in tokenizer.SpecialTokens.Values)
            {
                Assert.That(
                tokenizer.IdToToken(tokenizer.TokenToId(token)!.Value), Is.EqualTo(token));
            }

            Assert.That(tokenizer.TokenToId("no such token"), Is.Null);
            Assert.That(tokenizer.IdToToken(-1), Is.Null);
            Assert.That(tokenizer.IdToToken(int.MaxValue), Is.Null);
            Assert.That(tokenizer.Decode([-1, int.MaxValue, 1_000_000]), Is.Empty);
        });
    }

    private static string Text(Random random, int pieces) =>
        string.Concat(Enumerable.Range(0, pieces).Select(_ => Pieces[random.Next(Pieces.Length)]));

    private static ModelTokenizer Demo() => ModelTokenizer.Load(Path.Combine(RepositoryFolder.Demo, "model"));

    private sealed class CountingDecoder(Action<int> report) : TokenDecoder
    {
        public override DecoderStage CreateStage(DecoderStage next, bool streaming) => new Stage(report);

        private sealed class Stage(Action<int> report) : DecoderStage
        {
            private int _count;

            public override void Push(ReadOnlySpan<char> text, TokenPart part) => report(++_count);

            public override void Finish()
            {
            }
        }
    }
}
