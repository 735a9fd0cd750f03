using System.Buffers;

namespace SLoRA.Text.Bench;

/// <summary>The measurements, each printed as a line.</summary>
internal static class Measure
{
    private const int Rounds = 8;

    /// <summary>Processor seconds of this process: unlike the clock they do not count what other programs take.</summary>
    public static double ProcessorSeconds => Environment.CpuUsage.TotalTime.TotalSeconds;

    /// <summary>
    /// Megabytes of UTF-8 per processor second: the first time in this process, the best of others, and by a tokenizer just loaded, which
    /// has seen no word yet.
    /// </summary>
    public static void Encoding(ModelTokenizer tokenizer, ModelTokenizer fresh, string label, string text)
    {
        double megabytes = System.Text.Encoding.UTF8.GetByteCount(text) / 1e6;
        var output = new ArrayBufferWriter<int>(text.Length + 16);
        var rates = new List<double>();
        int ids = 0;
        for (int i = 0; i < Rounds; i++)
        {
            output.ResetWrittenCount();
            double start = ProcessorSeconds;
            ids = tokenizer.EncodeTo(text, output);
            rates.Add(megabytes / (ProcessorSeconds - start));
        }

        double begin = ProcessorSeconds;
        fresh.Encode(text);
        double anew = megabytes / (ProcessorSeconds - begin);
        string small = text[..Math.Min(text.Length, 1000)];
        tokenizer.EncodeTo(small, output);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            output.ResetWrittenCount();
            tokenizer.EncodeTo(small, output);
        }

        double allocated = (GC.GetAllocatedBytesForCurrentThread() - before) / 100.0;
        Console.WriteLine($"  encode {label}: {rates[0]:F1} MB/s first, {rates.Skip(1).Max():F1} MB/s best, {anew:F1} MB/s with an empty "
            + $"word cache, {ids} ids, {allocated:F0} bytes allocated per call on 1000 characters");
    }

    /// <summary>Ids per processor second of the stream, and what it allocates per id.</summary>
    public static void Decoding(ModelTokenizer tokenizer, string text)
    {
        int[] ids = tokenizer.Encode(text);
        TextStream stream = tokenizer.CreateStream();
        int characters = 0;
        foreach (int id in ids)
        {
            characters += stream.Append(id).Length;
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        double start = ProcessorSeconds;
        foreach (int id in ids)
        {
            characters += stream.Append(id).Length;
        }

        double seconds = ProcessorSeconds - start;
        double allocated = (GC.GetAllocatedBytesForCurrentThread() - before) / (double)ids.Length;
        start = ProcessorSeconds;
        string whole = tokenizer.Decode(ids);
        Console.WriteLine($"  stream: {ids.Length / seconds / 1e6:F1} M ids/s, {allocated:F3} bytes allocated per id; "
            + $"decode {ids.Length / (ProcessorSeconds - start) / 1e6:F1} M ids/s ({characters} and {whole.Length} characters)");
    }

    /// <summary>A whole text, and the same twice as long: the time of the second by that of the first is 2 when time is linear.</summary>
    public static void Linear(ModelTokenizer tokenizer, string label, string text)
    {
        tokenizer.Encode(text[..1000]);
        double half = Seconds(tokenizer, text[..(text.Length / 2 & ~1)]);
        double full = Seconds(tokenizer, text);
        Console.WriteLine($"  {label}: {full * 1000:F0} ms for {System.Text.Encoding.UTF8.GetByteCount(text) / 1e6:F1} MB, "
            + $"{full / half:F1} times the half");
    }

    private static double Seconds(ModelTokenizer tokenizer, string text)
    {
        double best = double.MaxValue;
        for (int i = 0; i < 3; i++)
        {
            double start = ProcessorSeconds;
            tokenizer.Encode(text);
            best = Math.Min(best, ProcessorSeconds - start);
        }

        return best;
    }
}
