using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Cpu;

internal sealed class LatentAttentionJobTests
{
    [SeededProperty(MaxTest = 40)]
    public void Attention_over_latents_agrees_with_the_Reference(int seed)
    {
        var random = new Random(seed);
        using var scene = new Scene(seed, AnyShape(random), [random.Next(1, 70), random.Next(1, 70)], random.Next(1, 5));
        scene.Begin((0, 0, scene.Lengths[0]), (1, 0, scene.Lengths[1]));
        scene.Run(onReference: true);
        for (int row = 0; row < scene.Twin.Plan.RowCount; row++)
        {
            AssertClose(scene, row);
        }
    }

    /// <summary>The last rows of a sequence only: the reference takes its time. The segments are 512 positions long.</summary>
    [Test]
    public void Long_contexts_agree_with_the_Reference(
        [Values(0, 1, 2, 3)] int type, [Values(511, 512, 513, 1100)] int position, [Values(1, 2)] int threads)
    {
        var shape = new LatentAttention
        {
            Heads = 3,
            Latent = 40,
            Plain = 8,
            Rotated = 4,
            Value = 8,
            ScoreScale = 0.3f,
            AdjacentPairs = true,
        };
        using var scene = new Scene(position, shape, [position + 1], threads, Twin.CacheTypes[type], pageTokens: 16);
        for (int first = 0; first < position; first += 400)
        {
            scene.Begin((0, first, Math.Min(400, position - first)));
            scene.Run(onReference: false, attends: false);
        }

        scene.Begin((0, position, 1));
        scene.Run(onReference: true);
        AssertClose(scene, 0);
    }

    [SeededProperty(MaxTest = 25)]
    public void A_row_has_the_same_bits_in_any_chunks_beside_any_other_rows_on_any_number_of_threads(int seed)
    {
        var random = new Random(seed);
        LatentAttention shape = AnyShape(random);
        int length = random.Next(1, random.Next(4) == 0 ? 1300 : 200);
        TensorType type = Twin.CacheTypes[random.Next(4)];
        int pageTokens = 1 << random.Next(0, 6);
        float[][]? expected = null;
        for (int threads = 1; threads <= 3; threads++)
        {
            using var scene = new Scene(seed, shape, [length, 20, 20], threads, type, pageTokens);
            var actual = new List<float[]>();
            for (int position = 0; position < length;)
            {
                int count = threads == 1 ? length : Math.Min(length - position, random.Next(1, random.Next(2) == 0 ? 4 : 100));
                int before = random.Next(20);
                scene.Begin((1, 0, before), (0, position, count), (2, 0, random.Next(20)));
                scene.Run(onReference: false);
                actual.AddRange(Enumerable.Range(before, count).SelectMany(row => scene.Result(row, onReference: false)));
                position += count;
            }

            expected ??= [.. actual];
            Assert.That(actual, Is.EqualTo(expected));
        }
    }

    [Test]
    public void A_latent_that_is_not_finite_reaches_no_row_that_does_not_see_it(
        [Values(0, 1, 2, 3)] int type, [Values(3, 40)] int heads, [Values(1, 3)] int threads)
    {
        var shape = new LatentAttention
        {
            Heads = heads,
            Latent = 40,
            Plain = 8,
            Rotated = 4,
            Value = 8,
            ScoreScale = 0.3f,
            AdjacentPairs = false,
        };
        using var scene = new Scene(7, shape, [80], threads, Twin.CacheTypes[type], pageTokens: 16);
        float[][][] Rows()
        {
            scene.Begin((0, 0, 80));
            scene.Run(onReference: false);
            return [.. Enumerable.Range(0, 80).Select(row => scene.Result(row, onReference: false))];
        }

        float[][][] clean = Rows();
        foreach (int position in (int[])[3, 40, 66])
        {
            scene.NotFinite = position;
            float[][][] rows = Rows();
            Assert.That(rows[..position], Is.EqualTo(clean[..position]), $"before position {position}");
            Assert.That(rows[position..].SelectMany(row => row).SelectMany(head => head), Is.All.NaN, $"from position {position} on");
        }
    }

    private static void AssertClose(Scene scene, int row)
    {
        float[][] expected = scene.Result(row, onReference: true), actual = scene.Result(row, onReference: false);
        for (int head = 0; head < expected.Length; head++)
        {
            // A mean of numbers below 1 with weights whose exponents are exact to about 1e-6.
            Assert.That(actual[head], Is.EqualTo(expected[head]).Within(2e-5), $"row {row}, head {head}");
        }
    }

    private static LatentAttention AnyShape(Random random)
    {
        int plain = random.Next(1, 9), rotated = 2 * random.Next(1, 20);
        return new LatentAttention
        {
            Heads = random.Next(4) == 0 ? random.Next(1, 70) : random.Next(1, 6),
            Latent = random.Next(3) == 0 ? random.Next(1, 300) : 16 * random.Next(1, 5),
            Plain = plain,
            Rotated = rotated,
            Value = plain,
            ScoreScale = 1 / MathF.Sqrt(plain + rotated),
            AdjacentPairs = random.Next(2) == 0,
        };
    }

    /// <summary>Sequences whose rows have, whenever they are computed, the same queries and latents, on both backends.</summary>
    private sealed class Scene : IDisposable
    {
        private readonly int _seed;
        private readonly LatentAttention _shape;
        private readonly KvLayout _layout;
        private readonly int[][] _tables;
        private readonly List<(int Sequence, int Position)> _rows = [];
        private readonly (DeviceRoutes Reference, DeviceRoutes Cpu) _routes;
        private readonly (DeviceRope Reference, DeviceRope Cpu) _rope;
        private readonly (DeviceRows Reference, DeviceRows Cpu) _q;
        private readonly (DeviceRows Reference, DeviceRows Cpu) _kv;
        private readonly (DeviceRows Reference, DeviceRows Cpu) _absorbed;
        private readonly (DeviceRows Reference, DeviceRows Cpu) _y;

        public Scene(int seed, LatentAttention shape, int[] lengths, int threads, TensorType? type = null, int? pageTokens = null)
        {
            _seed = seed;
            _shape = shape;
            Lengths = lengths;
            int rows = lengths.Sum();
            MachineCodeUse machineCode = threads == 2 ? MachineCodeUse.Off : MachineCodeUse.Automatic;
            Twin = new Twin(seed, rows, threads: threads, machineCode: machineCode);
            var kept = new KeyValueShape(1, shape.KeyColumns) { ValueDim = 0, OwnScaleColumns = shape.Rotated };
            _layout = KvLayout.For([kept], type ?? Twin.AnyCacheType(), pageTokens ?? 1 << Twin.Random.Next(0, 6));
            int pages = lengths.Sum(_layout.PagesFor) + 2;
            int[] order = [.. Enumerable.Range(0, pages)];
            Twin.Random.Shuffle(order);
            int next = 0;
            _tables = [.. lengths.Select(length => order[next..(next += _layout.PagesFor(length))])];
            Twin.AllocatePages(_layout, pages);

            // Pages come with whatever was in them: here with NaN.
            var rubbish = new byte[_layout.PageBytes];
            rubbish.AsSpan().Fill(0xFF);
            for (int page = 0; page < pages; page++)
            {
                Twin.Cpu.Pages.Write(page, 0, rubbish);
            }

            var rope = new RopeDescription
            {
                InverseFrequencies = [.. Enumerable.Range(0, shape.Rotated / 2).Select(i => MathF.Pow(100, -2f * i / shape.Rotated))],
                AdjacentPairs = shape.AdjacentPairs,
            };
            _rope = (Twin.Reference.CreateRope(rope), Twin.Cpu.CreateRope(rope));
            _routes = (
                Twin.Reference.CreateRoutes(shape.Heads, shape.Heads), Twin.Cpu.CreateRoutes(shape.Heads, shape.Heads));
            _q = Twin.Rows(RowSet.Step, shape.Heads * shape.QueryColumns, 0);
            _kv = Twin.Rows(RowSet.Step, shape.KeyColumns, 0);
            _absorbed = Routed();
            _y = Routed();
        }

        public Twin Twin { get; }

        public int[] Lengths { get; }

        /// <summary>The position whose latents are not finite; −1 for none.</summary>
        public int NotFinite { get; set; } = -1;

        public void Begin(params ReadOnlySpan<(int Sequence, int Position, int Rows)> slices)
        {
            Twin.Plan.Clear();
            _rows.Clear();
            foreach ((int sequence, int position, int rows) in slices)
            {
                if (rows > 0)
                {
                    Twin.Plan.AddSlice(new int[rows], position, _tables[sequence].AsSpan(0, _layout.PagesFor(position + rows)), 0);
                    _rows.AddRange(Enumerable.Range(position, rows).Select(at => (sequence, at)));
                }
            }

            Twin.BeginStep();
        }

        public void Run(bool onReference, bool attends = true)
        {
            // What the Cpu's pages do not have the Reference's have not either, so it stores always.
            Run(Twin.Cpu, _q.Cpu, _kv.Cpu, _absorbed.Cpu, _rope.Cpu, _routes.Cpu, _y.Cpu, attends);
            Run(Twin.Reference, _q.Reference, _kv.Reference, _absorbed.Reference, _rope.Reference, _routes.Reference, _y.Reference,
                attends && onReference);
        }

        /// <summary>What the heads of a row have found.</summary>
        public float[][] Result(int row, bool onReference) =>
        [
            .. Enumerable.Range(0, _shape.Heads)
                .Select(head => Twin.Read(onReference ? _y.Reference : _y.Cpu, (head * _rows.Count) + row)),
        ];

        public void Dispose() => Twin.Dispose();

        private void Run(
            IBackend backend, DeviceRows q, DeviceRows kv, DeviceRows absorbed, DeviceRope rope, DeviceRoutes routes, DeviceRows y,
            bool attends)
        {
            for (int row = 0; row < _rows.Count; row++)
            {
                (int sequence, int position) = _rows[row];
                var random = new Random((_seed * 31) + (sequence * 10007) + position);
                float[] Numbers(int count) => [.. Enumerable.Range(0, count).Select(_ => (float)((random.NextDouble() * 2) - 1))];
                Twin.Write(q, row, Numbers(q.Width));
                float[] kept = Numbers(kv.Width);
                kept[0] = position == NotFinite ? float.NaN : kept[0];
                Twin.Write(kv, row, kept);
                for (int head = 0; head < _shape.Heads; head++)
                {
                    // Every head is an expert that all rows have chosen.
                    Twin.Write(absorbed, (head * _rows.Count) + row, Numbers(_shape.Latent));
                }
            }

            backend.RotateAndStoreLatent(q, kv, 0, _shape, rope);
            if (attends)
            {
                backend.RouteToAll(routes);
                backend.AttendLatent(absorbed, q, 0, _shape, routes, y);
            }
        }

        private (DeviceRows Reference, DeviceRows Cpu) Routed() => (
            Twin.Reference.CreateRoutedRows(_routes.Reference, _shape.Latent), Twin.Cpu.CreateRoutedRows(_routes.Cpu, _shape.Latent));
    }
}
