using System.Collections.Immutable;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Backends;

/// <summary>
/// One device: its memory and the operations that a decoder is written over. All calls come from one thread at a time. Numerics that every
/// backend keeps: accumulation in fp32, and a row's result depends on that row alone, so every reduction has one order, fixed by the
/// model's shape.
/// </summary>
/// <remarks>
/// Legend of shapes: T rows of the step, O output rows, D hidden size, H query heads, G KV heads, d head dimension, r rank.
/// Where a generation has more for a module than B A, its rows get <see cref="ModuleChange"/> around what is said below: its rows of the
/// weight in the place of the base's before the deltas, factor and offset after them; norms take its weight for its rows.
/// An operation over rows works on as many rows as the current plan has in the <see cref="RowSet"/> of its operands.
/// </remarks>
internal interface IBackend : IDisposable
{
    /// <summary>Short name for status and test output: Reference, Cpu, Gpu.</summary>
    string Name { get; }

    /// <summary>The same with what else users are told.</summary>
    BackendStatus Status { get; }

    /// <summary>
    /// What makes this backend far slower than it could be on this machine, and what to do about it; null where nothing does.
    /// </summary>
    string? Shortcoming { get; }

    /// <summary>The pool's bytes; allocated by <see cref="AllocatePages"/>.</summary>
    IPageMemory Pages { get; }

    /// <summary>Lays out the pages of a decoder for this device.</summary>
    /// <inheritdoc cref="KvLayout.For"/>
    KvLayout LayOut(ImmutableArray<KeptState> kept, TensorType type, int? pageTokens) => KvLayout.For(kept, type, pageTokens);

    /// <summary>Allocates the page pool, once.</summary>
    /// <exception cref="MemoryException">The device cannot hold it.</exception>
    void AllocatePages(KvLayout layout, int pageCount);

    /// <summary>
    /// The format in which this device takes weights that are stored in another: the same where it knows how to compute with it, otherwise
    /// fp32, to which the loader widens them.
    /// </summary>
    WeightFormat Takes(WeightFormat stored) => stored;

    /// <summary>
    /// What becomes of each row of a matrix that is rounded again when it is loaded; null where products take what is stored.
    /// </summary>
    /// <param name="taken">The format in which it is given to <see cref="LoadMatrix"/>.</param>
    /// <param name="givesLogits">Whether its products are logits.</param>
    /// <param name="partition">How it is cut over shards; null for not at all.</param>
    RowRounding? RoundingOf(WeightFormat taken, bool givesLogits, Partition? partition) => null;

    /// <summary>What a weight that is given to <see cref="LoadMatrix"/> or <see cref="LoadTable"/> takes on this device.</summary>
    /// <param name="taken">The format in which it is given.</param>
    /// <param name="rows">Its rows, of all experts where it has some.</param>
    /// <param name="columns">Its columns.</param>
    long BytesOf(WeightFormat taken, long rows, int columns) => taken.BytesOf(rows * columns);

    /// <summary>
    /// Says, before any weight is loaded, which files they come from: a device that keeps what it makes of matrices and tables looks for
    /// it.
    /// </summary>
    /// <returns>Whether it has all of them, and will not look at what it is given.</returns>
    bool FindWeights(ModelFiles files) => false;

    /// <summary>Announces the base weights that will be loaded, for backends that take the memory for all of them at once.</summary>
    /// <param name="sizes">Bytes of each of them, vectors widened to fp32. How they are aligned is the backend's own business.</param>
    void ReserveWeights(IEnumerable<long> sizes);

    /// <summary>Makes a base weight <c>[outputs, inputs]</c> ready for products.</summary>
    DeviceMatrix LoadMatrix(WeightSource source);

    /// <summary>Makes an embedding table <c>[entries, width]</c> ready for look-ups.</summary>
    DeviceTable LoadTable(WeightSource source);

    /// <summary>Makes a vector ready, widened to fp32.</summary>
    DeviceVector LoadVector(WeightSource source);

    /// <summary>Makes rows of one width; rows as many as a plan can have.</summary>
    DeviceRows CreateRows(RowSet rows, int width);

    /// <summary>Makes the weights of one product of every expert of a layer ready.</summary>
    DeviceExperts LoadExperts(ExpertSources sources);

    /// <summary>Makes room for what the rows of a step choose.</summary>
    DeviceRoutes CreateRoutes(int experts, int chosen);

    /// <summary>Makes room for what the rows of a step choose, on one of several shards: it has some of the experts.</summary>
    /// <param name="experts">All experts.</param>
    /// <param name="chosen">How many of them a row chooses.</param>
    /// <param name="own">Those of this shard. Only what is chosen of them is among its routed rows.</param>
    DeviceRoutes CreateRoutes(int experts, int chosen, Run own) =>
        throw new NotSupportedException($"{Name} is no device of which several share experts.");

    /// <summary>Makes room for rows that go through every head (<see cref="RouteToAll"/>).</summary>
    /// <param name="heads">The heads, as shards share them.</param>
    DeviceRoutes CreateHeadRoutes(Split heads) => CreateRoutes(heads.Units, heads.Units);

    /// <summary>Makes rows of one width, <see cref="RowSet.Routed"/> by these routes.</summary>
    DeviceRows CreateRoutedRows(DeviceRoutes routes, int width);

    /// <summary>Makes rows of which shards share the columns.</summary>
    /// <param name="rows">Which rows.</param>
    /// <param name="width">All columns.</param>
    /// <param name="splits">
    /// What lies side by side in them, and behind it further columns for the last shard; empty if every shard has all columns. One device
    /// has them all anyway.
    /// </param>
    DeviceRows CreateRows(RowSet rows, int width, ImmutableArray<Split> splits) => CreateRows(rows, width);

    /// <summary>Makes a rotary embedding.</summary>
    DeviceRope CreateRope(RopeDescription rope);

    /// <summary>
    /// Everything that a decoder needs has been loaded and created: backends may take memory and compile now, so that no step has to.
    /// </summary>
    void CompleteLoading(DecoderShape decoder);

    /// <summary>Takes the plan of the step to run; the plan does not change until the next call.</summary>
    void BeginStep(StepPlan plan);

    /// <summary>
    /// Runs the operations of the step, those between its begin and its end. They are the same for all steps of a decoder that have output
    /// rows, but for what the plan says; so a backend may keep what it did for one step and repeat that for the next, without asking.
    /// </summary>
    /// <param name="operations">Asks for all of them, in order.</param>
    void Run(Action operations) => operations();

    /// <summary>
    /// <c>x[t] = E[token(t)]</c> <c>[T, D]</c>, plus for each entry of the work list whose generation targets the table
    /// <c>weight · scale · A[:, token] Bᵀ</c>.
    /// </summary>
    void Embed(DeviceTable table, int target, DeviceRows x);

    /// <summary><c>y = w ∘ x / √(mean(x²) + ε)</c>, row by row; y may be x.</summary>
    void Norm(DeviceRows x, DeviceVector weight, float epsilon, DeviceRows y);

    /// <summary>
    /// <c>y = w ∘ (x − mean(x)) / √(mean((x − mean(x))²) + ε) + b</c>, row by row; y may be x, and a null bias adds nothing.
    /// </summary>
    void LayerNorm(DeviceRows x, DeviceVector weight, DeviceVector? bias, float epsilon, DeviceRows y);

    /// <summary>
    /// <see cref="Norm"/> in place over each of <paramref name="heads"/> heads of d columns from <paramref name="firstColumn"/> on; weight
    /// <c>[d]</c>. A weight that was loaded with a partition is that of one norm over several heads: their squares are summed head by head.
    /// </summary>
    void NormHeads(DeviceRows x, int firstColumn, int heads, DeviceVector weight, float epsilon);

    /// <summary>
    /// <c>y = x Wᵀ + b</c> for every part side by side, plus for each entry of the work list whose generation targets a part
    /// <c>weight · scale · (x Aᵀ) Bᵀ</c>, chunk by chunk. x has T or O rows, y the same.
    /// </summary>
    void Linear(LinearGroup group, DeviceRows x, DeviceRows y);

    /// <summary>
    /// Rotates <paramref name="heads"/> heads of <paramref name="headDim"/> columns from <paramref name="firstColumn"/> on, in place.
    /// </summary>
    void Rotate(DeviceRows x, int firstColumn, int heads, int headDim, DeviceRope rope);

    /// <summary><c>x[t, c] = x[t, c] · scale(position(t))</c> for the first <paramref name="columns"/> columns.</summary>
    void ScaleByPosition(PositionScale scale, DeviceRows x, int columns);

    /// <summary>
    /// qkv <c>[T, (H + 2G) d]</c>: rotates q in place and k, then writes k and v of every row into its page of the layer.
    /// </summary>
    void RotateAndStore(DeviceRows qkv, int layer, GroupedAttention attention, DeviceRope rope);

    /// <summary>
    /// <c>y[t, h] = Σ softmax(cap(scale · q[t, h] · K[j, h / (H/G)])) V[j]</c> over positions j ≤ position(t) inside the window, read
    /// through the page tables; q is the first H d columns of qkv, y <c>[T, H d]</c>. With sinks <c>[H]</c> the softmax of a head has one
    /// more score, whose probability nobody gets.
    /// </summary>
    void Attend(DeviceRows qkv, int layer, GroupedAttention attention, DeviceRows y, DeviceVector? sinks = null);

    /// <summary>
    /// <c>y = (u + 1) ∘ g / (1 + e^(−α g))</c> for x <c>[T, 2 I]</c> whose columns are g and u in turn, g at most and u within the limit.
    /// </summary>
    void GateClamped(ClampedGate gate, DeviceRows x, DeviceRows y);

    /// <summary><c>y = f(g) ∘ u</c> for x <c>[T, 2 I]</c> with g its left and u its right half.</summary>
    void Gate(Activation activation, DeviceRows x, DeviceRows y);

    /// <summary>
    /// <c>x[t, c] = f(x[t, c])</c> for <paramref name="columns"/> columns from <paramref name="firstColumn"/> on.
    /// </summary>
    void Apply(ElementFunction function, DeviceRows x, int firstColumn, int columns);

    /// <summary>
    /// <c>y[t, i + yColumn] *= x[t, i + xColumn]</c> for i below <paramref name="columns"/>; x may be y where the columns are others.
    /// </summary>
    void Multiply(DeviceRows y, int yColumn, DeviceRows x, int xColumn, int columns);

    /// <summary>
    /// <c>y[t, c] = b[c] + Σ w[k, c] x[t − K + 1 + k, firstColumn + c]</c> over the rows of each sequence, y <c>[T, C]</c>. The K − 1
    /// inputs before a slice are the parts of a state (<see cref="KvLayout.States"/>), oldest first; the step leaves there the last ones.
    /// </summary>
    void Convolve(DeviceRows x, int firstColumn, ShortConvolution convolution, int state, DeviceRows y);

    /// <summary>Columns of x to other places of y, run by run; x is not y.</summary>
    void Regroup(DeviceRows x, ImmutableArray<ColumnRun> runs, DeviceRows y);

    /// <summary>
    /// A <see cref="Recurrence"/> over the rows of each sequence: queries, keys and values in x, a and b in <paramref name="steps"/>, y
    /// <c>[T, H p]</c>. The matrices before a slice are the parts of a state (<see cref="KvLayout.States"/>); the step leaves there those
    /// after its last row.
    /// </summary>
    void Recur(DeviceRows x, DeviceRows steps, LoadedRecurrence recurrence, int state, DeviceRows y);

    /// <summary>
    /// <c>x = w ∘ norm(x) ∘ silu(z)</c>, or <c>x = w ∘ norm(x ∘ silu(z))</c> where gates come first, over each of
    /// <paramref name="heads"/> heads that x has side by side; z are as many columns of other rows, w <c>[d]</c> for all heads or
    /// <c>[heads d]</c>.
    /// </summary>
    void NormGated(
        DeviceRows x, int heads, DeviceVector weight, float epsilon, DeviceRows gates, int gateColumn, bool gatesFirst);

    /// <summary><c>x += y</c>.</summary>
    void Add(DeviceRows x, DeviceRows y);

    /// <summary>
    /// <c>x += y</c>, then <c>z = w ∘ x / √(mean(x²) + ε)</c>: the same bits as <see cref="Add"/> and <see cref="Norm"/>.
    /// </summary>
    void AddNorm(DeviceRows x, DeviceRows y, DeviceVector weight, float epsilon, DeviceRows z);

    /// <summary>
    /// Chooses the experts of every row by its logits <c>[T, E]</c>: scores s, the k largest of <c>s + correction</c>, weights of s, each
    /// times the factor of its expert if there are any; see <see cref="Routing"/>.
    /// </summary>
    void Route(DeviceRows logits, Routing routing, DeviceVector? correction, DeviceVector? factors, DeviceRoutes routes);

    /// <summary><c>y[p] = x[row(p)]</c> for every routed row p, times its weight if <paramref name="weighted"/>.</summary>
    void Spread(DeviceRows x, DeviceRoutes routes, bool weighted, DeviceRows y);

    /// <summary>
    /// <c>y[p] = x[p] W_eᵀ + b_e</c> for every routed row p and its expert e, plus for each entry of the work list of its row whose
    /// generation targets the expert <c>weight · scale · (x Aᵀ) Bᵀ</c>. x and y are routed rows.
    /// </summary>
    void LinearOfExperts(ExpertLinear linear, DeviceRows x, DeviceRoutes routes, DeviceRows y);

    /// <summary>
    /// <c>y[t] = Σ x[p]</c> over the routed rows p of row t, each times its weight if <paramref name="weighted"/>. Experts of a leaf
    /// (<see cref="Split.OfExperts"/>) are added the best first, then the leaves as a balanced tree.
    /// </summary>
    void Combine(DeviceRows x, DeviceRoutes routes, bool weighted, DeviceRows y);

    /// <summary>Every row chooses every expert, in their order: heads are experts that all rows go through.</summary>
    void RouteToAll(DeviceRoutes routes);

    /// <summary>Columns of single heads to routed rows: <c>y[p] = x[t, first + h · stride …]</c> for row t and head h of p.</summary>
    void TakeHeads(DeviceRows x, int firstColumn, int stride, DeviceRoutes routes, DeviceRows y);

    /// <summary>And back: <c>y[t, h · w …] = x[p]</c>, w columns of x.</summary>
    void PutHeads(DeviceRows x, DeviceRoutes routes, DeviceRows y);

    /// <summary>
    /// Rotates the last columns of every head of q <c>[T, H (plain + rotated)]</c> and of kv <c>[T, R + rotated]</c> in place, and writes
    /// kv into the page of the row.
    /// </summary>
    void RotateAndStoreLatent(DeviceRows q, DeviceRows kv, int layer, LatentAttention attention, DeviceRope rope);

    /// <summary>
    /// <c>y[p] = Σ softmax(scale · (a[p] · c[j] + q[t, h] · k[j])) c[j]</c> over positions j ≤ position(t) for the row t and head h of the
    /// routed row p, c the latent and k the rotated part of a position, q the rotated part of the head's query; a, y <c>[T H, R]</c>.
    /// </summary>
    void AttendLatent(DeviceRows absorbed, DeviceRows q, int layer, LatentAttention attention, DeviceRoutes routes, DeviceRows y);

    /// <summary><c>y[t] += x[t] / (1 + e^(−g[t]))</c> for g <c>[T, 1]</c>.</summary>
    void AddGated(DeviceRows y, DeviceRows gate, DeviceRows x);

    /// <summary><c>y[o] = x[outputRow(o)]</c> <c>[O, D]</c>.</summary>
    void GatherOutputs(DeviceRows x, DeviceRows y);

    /// <summary>Whether <see cref="Choose"/> chooses tokens; if not, they are chosen from <see cref="Logits"/>.</summary>
    bool ChoosesTokens { get; }

    /// <summary>
    /// Chooses the tokens of the plan's <see cref="StepPlan.Choices"/> from logits <c>[O, V]</c>, as <see cref="Sampling.Sampler"/> does
    /// but in fp32.
    /// </summary>
    void Choose(DeviceRows logits);

    /// <summary>
    /// The token chosen for an output row of the last step; negative where none was to be chosen, or the logits allow none.
    /// </summary>
    int Chosen(int output);

    /// <summary>Ends the step: everything is computed and <paramref name="logits"/> <c>[O, V]</c> can be read.</summary>
    void EndStep(DeviceRows logits);

    /// <summary>The logits of one output row. Valid until the next step begins; callers may overwrite them.</summary>
    Span<float> Logits(DeviceRows logits, int output);

    /// <summary>What shards have exchanged in the last step; nothing on one device.</summary>
    StepExchange Exchange => default;

    /// <summary>What an error of an operation means, if it is the device's; null for any other error.</summary>
    Exception? FaultOf(Exception error);
}
