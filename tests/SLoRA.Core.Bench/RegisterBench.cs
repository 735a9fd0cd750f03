using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using SLoRA.Formats;

namespace SLoRA.Core.Bench;

/// <summary>
/// Registers thousands of adapter folders at the same time, through the public API: how long it takes, and what the engine keeps of each.
/// The folders have full headers and files of full length, with holes in the place of weights, which registration does not read.
/// </summary>
internal static class RegisterBench
{
    private static readonly int[] Ranks = [64, 32, 16, 8];

    /// <summary>Measures and prints one line of JSON.</summary>
    public static async Task<int> Run(Shape shape, int count, CancellationToken cancellation)
    {
        RegisterResult result = await MeasureAsync(shape, count, cancellation);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $$"""{"shape":"{{shape.Name}}","registered":{{result.Registered}},"seconds":{{result.Seconds:0.00}}"""
            + $$""","cpu_seconds":{{result.ProcessorSeconds:0.00}},"bytes_each":{{result.BytesEach:0}}}"""));
        return 0;
    }

    /// <summary>Measures.</summary>
    public static async Task<RegisterResult> MeasureAsync(Shape shape, int count, CancellationToken cancellation)
    {
        using var model = new RandomModelFolder(shape, TensorType.BF16);
        DirectoryInfo root = Directory.CreateTempSubdirectory("slora-register-");
        try
        {
            Write(shape, root.FullName, count);
            await using LoraServingEngine engine =
                await LoraServingEngine.CreateBuilder().UseModel(model.Path).BuildAsync(cancellationToken: cancellation);
            // The first one pays for what is compiled and loaded once.
            await engine.Adapters.RegisterAsync("warm", Folder(root.FullName, 0), cancellationToken: cancellation);
            long before = GC.GetTotalMemory(forceFullCollection: true);
            TimeSpan processor = Environment.CpuUsage.TotalTime;
            long started = Stopwatch.GetTimestamp();
            await Task.WhenAll(Enumerable.Range(0, count).Select(
                i => engine.Adapters.RegisterAsync(Name(i), Folder(root.FullName, i), cancellationToken: cancellation)));
            TimeSpan time = Stopwatch.GetElapsedTime(started);
            processor = Environment.CpuUsage.TotalTime - processor;
            long bytes = GC.GetTotalMemory(forceFullCollection: true) - before;
            return new RegisterResult(engine.Adapters.Count - 1, time.TotalSeconds, processor.TotalSeconds, (double)bytes / count);
        }
        finally
        {
            root.Delete(recursive: true);
        }
    }

    private static string Name(int number) => string.Create(CultureInfo.InvariantCulture, $"tenant-{number:00000}");

    private static string Folder(string root, int number) => Path.Combine(root, Name(number));

    private static void Write(Shape shape, string root, int count)
    {
        (byte[] Config, byte[] Header, long Length)[] kinds =
            [.. Ranks.Select(rank => (Config(rank), Header(shape, rank, out long length), length))];
        for (int i = 0; i < count; i++)
        {
            (byte[] config, byte[] header, long length) = kinds[i % kinds.Length];
            string folder = Directory.CreateDirectory(Folder(root, i)).FullName;
            File.WriteAllBytes(Path.Combine(folder, "adapter_config.json"), config);
            using FileStream stream = File.Create(Path.Combine(folder, "adapter_model.safetensors"));
            stream.Write(header);
            stream.SetLength(length);
        }
    }

    private static byte[] Config(int rank) => JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, object>
    {
        ["peft_type"] = "LORA",
        ["task_type"] = "CAUSAL_LM",
        ["r"] = rank,
        ["lora_alpha"] = 2 * rank,
        ["target_modules"] = new[] { "q_proj", "k_proj", "v_proj", "o_proj" },
    });

    private static byte[] Header(Shape shape, int rank, out long length)
    {
        int queries = shape.Heads * shape.HeadDim;
        int keys = shape.KeyValueHeads * shape.HeadDim;
        long end = 0;
        var tensors = new Dictionary<string, object>();
        for (int layer = 0; layer < shape.Layers; layer++)
        {
            Add(layer, "q_proj", shape.Hidden, queries);
            Add(layer, "k_proj", shape.Hidden, keys);
            Add(layer, "v_proj", shape.Hidden, keys);
            Add(layer, "o_proj", queries, shape.Hidden);
        }

        byte[] json = JsonSerializer.SerializeToUtf8Bytes(tensors);
        byte[] header = new byte[sizeof(ulong) + json.Length];
        BinaryPrimitives.WriteUInt64LittleEndian(header, (ulong)json.Length);
        json.CopyTo(header, sizeof(ulong));
        length = header.Length + end;
        return header;

        void Add(int layer, string module, int inputs, int outputs)
        {
            string name = $"base_model.model.model.layers.{layer}.self_attn.{module}";
            AddMatrix($"{name}.lora_A.weight", rank, inputs);
            AddMatrix($"{name}.lora_B.weight", outputs, rank);
        }

        void AddMatrix(string name, int rows, int columns)
        {
            long begin = end;
            end += (long)rows * columns * sizeof(ushort);
            tensors.Add(name, new { dtype = "BF16", shape = new[] { rows, columns }, data_offsets = new[] { begin, end } });
        }
    }
}

/// <summary>What <see cref="RegisterBench"/> has measured.</summary>
/// <param name="Registered">Adapters.</param>
/// <param name="Seconds">How long registering took.</param>
/// <param name="ProcessorSeconds">What that took of the processors.</param>
/// <param name="BytesEach">What the engine keeps of each.</param>
internal sealed record RegisterResult(int Registered, double Seconds, double ProcessorSeconds, double BytesEach);
