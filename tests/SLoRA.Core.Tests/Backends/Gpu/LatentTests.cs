using NUnit.Framework;
using SLoRA.Backends;
using SLoRA.Core.Tests.Backends.Cpu;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Gpu;

[NonParallelizable]
[DeviceFixture]
public sealed class LatentTests
{
    [Test]
    public void A_latent_that_is_not_finite_reaches_no_row_that_does_not_see_it([Values(0, 1, 2, 3)] int type)
    {
        const int Rows = 70;
        using GpuTwin twin = SharedDevice.Twin(type, Rows);
        var sequence = new LatentSequence(twin, type, Rows);
        float[][] clean = sequence.Attend((_, _) => { });
        foreach (int position in (int[])[3, 40, 66])
        {
            float[][] rows = sequence.Attend((row, token) => token[0] = row == position ? float.NaN : token[0]);
            for (int row = 0; row < rows.Length; row++)
            {
                // Rows of a head follow one another.
                Assert.That(
                    rows[row], row % Rows < position ? Is.EqualTo(clean[row]) : Is.All.NaN,
                    $"head {row / Rows}, row {row % Rows}, not finite {position}");
            }
        }
    }

    /// <summary>A split whose scores are all −∞: the first row behind it sees its own latent alone.</summary>
    [Test]
    public void A_split_whose_scores_are_all_minus_infinity_has_no_weight([Values(0, 1, 2, 3)] int type)
    {
        const int Split = 256;
        const int Rows = Split + 4;
        using GpuTwin twin = SharedDevice.Twin(type, Rows);
        float[] own = [];
        float[][] rows = new LatentSequence(twin, type, Rows).Attend(
            (row, token) =>
            {
                token[0] = row < Split ? -3e4f : 0;
                own = row == Split ? token : own;
            },
            query => query[0] = 1e36f);
        for (int row = 0; row < rows.Length; row++)
        {
            if (row % Rows >= Split)
            {
                Assert.That(rows[row], Is.All.Matches<float>(float.IsFinite), $"row {row % Rows}");
            }

            if (row % Rows == Split)
            {
                // Elements of 8 bits are half a step of at most 0.5 / 127 apart.
                Assert.That(rows[row], Is.EqualTo(own[..rows[row].Length]).Within(0.002f), $"head {row / Rows}");
            }
        }
    }

    /// <summary>A sequence in one step, of the same random queries and latents each time.</summary>
    private sealed class LatentSequence
    {
        private static readonly LatentAttention _shape = new()
        {
            Heads = 3,
            Latent = 40,
            Plain = 8,
            Rotated = 4,
            Value = 8,
            ScoreScale = 0.3f,
            AdjacentPairs = false,
        };

        private readonly GpuTwin _twin;
        private readonly int _rows;
        private readonly DeviceRoutes _routes;
        private readonly DeviceRope _rope;
        private readonly DeviceRows _q;
        private readonly DeviceRows _kv;
        private readonly DeviceRows _absorbed;
        private readonly DeviceRows _y;

        public LatentSequence(GpuTwin twin, int type, int rows)
        {
            _twin = twin;
            _rows = rows;
            var kept = new KeyValueShape(1, _shape.KeyColumns) { ValueDim = 0, OwnScaleColumns = _shape.Rotated };
            var layout = KvLayout.For([kept], Twin.CacheTypes[type], 16);
            int[] table = [.. Enumerable.Range(0, layout.PagesFor(rows)).Reverse()];
            twin.AllocateLatents(layout, table.Length);
            _routes = twin.Gpu.CreateRoutes(_shape.Heads, _shape.Heads);
            _rope = twin.Gpu.CreateRope(new RopeDescription { InverseFrequencies = [1, 0.1f] });
            _q = twin.Gpu.CreateRows(RowSet.Step, _shape.Heads * _shape.QueryColumns);
            _kv = twin.Gpu.CreateRows(RowSet.Step, _shape.KeyColumns);
            _absorbed = twin.Gpu.CreateRoutedRows(_routes, _shape.Latent);
            _y = twin.Gpu.CreateRoutedRows(_routes, _shape.Latent);
            twin.Plan.AddSlice(new int[rows], 0, table, 0);
        }

        /// <summary>Attends from all rows, whose latents and absorbed queries are changed first: the results, by head and row.</summary>
        public float[][] Attend(Action<int, float[]> changeToken, Action<float[]>? changeQuery = null)
        {
            var random = new Random(5);
            float[] Numbers(int count) => [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f)];
            _twin.BeginStep();
            for (int row = 0; row < _rows; row++)
            {
                float[] token = Numbers(_kv.Width);
                changeToken(row, token);
                _twin.Write(_kv, row, token);
                _twin.Write(_q, row, Numbers(_q.Width));
            }

            for (int row = 0; row < _rows * _shape.Heads; row++)
            {
                float[] query = Numbers(_shape.Latent);
                changeQuery?.Invoke(query);
                _twin.Write(_absorbed, row, query);
            }

            _twin.Gpu.RotateAndStoreLatent(_q, _kv, 0, _shape, _rope);
            _twin.Gpu.RouteToAll(_routes);
            _twin.Gpu.AttendLatent(_absorbed, _q, 0, _shape, _routes, _y);
            return [.. Enumerable.Range(0, _rows * _shape.Heads).Select(row => _twin.Read(_y, row))];
        }
    }
}
